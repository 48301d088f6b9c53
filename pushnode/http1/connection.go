package http1

import (
	"bytes"
	"context"
	"crypto/subtle"
	"net"
	"sync/atomic"
	"time"
)

// connection is one connection while the loop has it. Its goroutine owns all but phase and raw.
type connection struct {
	server *Server
	raw    net.Conn // as it was accepted
	phase  atomic.Int32

	conn       net.Conn       // raw, or TLS on it
	own        [ownBytes]byte // what a waiting connection holds to read into
	buffer     []byte         // own, or larger where a request needs that
	filled     int            // of buffer: what was read and is not answered
	answered   bool           // a request, ever
	upgrades   bool           // the request asks for a WebSocket
	now        time.Time      // when it was last looked
	readBy     time.Time
	writeBy    time.Time
	head       head
	credential string // Authorization of the request before: most often that of the next
	shown      []byte // the same
	kept       any    // the handler's
	request    Request
	answer     Answer
	out        []byte // memory for answers
}

// The phases of a connection. Whoever moves it away from waiting decides: the loop, because a request has begun, or the server, because
// it closes.
const (
	waiting = iota
	working
	ended
)

// outcome is what is to be done with a connection when the loop has done its part.
type outcome int

const (
	over   outcome = iota
	passOn         // net/http is to have it
	taken          // a handler has it
)

// serve answers requests until one is not for the loop.
func (c *connection) serve(ctx context.Context) outcome {
	for c.begin() {
		switch {
		case !c.readRequest():
			return passOn
		case c.upgrades:
			return c.upgrade()
		case !c.server.config.Handler.Answer(ctx, &c.request, &c.answer):
			return passOn
		case !c.write():
			return over
		}
		c.next()
	}
	return over
}

// peeked is how many bytes net/http wants of a request that follows another before it looks at them. Of these it passes over the line ends
// that stand first behind a POST, for clients that send one too many (RFC 9112 section 2.2).
const peeked = 4

// begin waits until something of the next request is there. false: nothing comes any more.
func (c *connection) begin() bool {
	wait, least := c.server.config.Header, 1
	if c.answered {
		wait, least = c.server.config.Idle, peeked
	}
	for c.filled < least {
		if !renew(&c.readBy, c.now, wait, c.conn.SetReadDeadline) || !c.await() {
			return false
		}
		size, _ := c.conn.Read(c.buffer[c.filled:])
		c.now = time.Now()
		c.filled += size
		if size == 0 || !c.phase.CompareAndSwap(waiting, working) {
			return false
		}
	}
	if c.answered { // at the begin of a connection net/http would pass over nothing
		c.skipLineEnds()
	}
	return true
}

func (c *connection) skipLineEnds() {
	count := 0
	for count < peeked && (c.buffer[count] == '\r' || c.buffer[count] == '\n') {
		count++
	}
	c.drop(count)
}

// await lets the server close the connection from here on, unless it is closing already. Deadlines must be set before: the server ends
// the wait by one.
func (c *connection) await() bool {
	c.phase.Store(waiting)
	return !c.server.closing.Load()
}

// renew moves a deadline to at least wait from now on. To set one costs as much as all the rest of the loop, so it is moved by a bit more
// than need be, and again only when that is used up.
func renew(deadline *time.Time, now time.Time, wait time.Duration, set func(time.Time) error) bool {
	if deadline.Sub(now) >= wait {
		return true
	}
	*deadline = now.Add(wait + wait/32)
	return set(*deadline) == nil
}

// readRequest reads the request that has begun up to its end. false: it is not for the loop, or its rest does not come soon.
func (c *connection) readRequest() bool {
	patient := false
	for {
		switch c.look() {
		case whole:
			return true
		case foreign:
			return false
		}
		if !patient {
			patient, c.readBy = true, time.Time{}
			if c.conn.SetReadDeadline(c.now.Add(c.server.config.Header/patiencePart)) != nil {
				return false
			}
		}
		size, _ := c.conn.Read(c.buffer[c.filled:])
		if size == 0 {
			return false // late, or the connection's end: net/http finds out
		}
		c.filled += size
	}
}

// look looks at what is there of the request, and takes it where it is whole. Where it is not there is room for more.
func (c *connection) look() verdict {
	if c.server.config.Upgrade != nil && bytes.HasPrefix(c.buffer[:c.filled], []byte(upgradeBegin)) {
		return c.lookUpgrade()
	}
	found := c.head.read(c.buffer[:c.filled], c.server.config.Handler.Wants)
	size := c.head.size + c.head.length
	if found == foreign {
		return foreign
	}
	if found == partly || c.filled < size {
		c.makeRoom(size)
		return partly
	}
	again := c.showsAgain(c.head.authorization)
	c.request = Request{
		Now: c.now, Remote: c.raw.RemoteAddr(), Target: c.head.target, Authorization: c.credential, Again: again,
		ContentType: c.head.contentType, RequestID: c.head.requestID, Body: c.buffer[c.head.size:size], Kept: &c.kept,
	}
	return whole
}

// showsAgain reports whether the request shows the credential of the one before. They are secrets, perhaps of different clients behind a
// proxy: the time that it takes tells nothing of them but their lengths.
func (c *connection) showsAgain(authorization []byte) bool {
	if c.answered && subtle.ConstantTimeCompare(authorization, c.shown) == 1 {
		return true
	}
	c.shown = append(c.shown[:0], authorization...)
	c.credential = string(authorization)
	return false
}

// lookUpgrade is look for a request that may ask for a WebSocket.
func (c *connection) lookUpgrade() verdict {
	found := c.head.lookUpgrade(c.buffer[:c.filled])
	if found == partly {
		c.makeRoom(0)
	}
	c.upgrades = found == whole
	return found
}

// firstGrowth is what a full buffer grows to at first, unless less is known to be enough.
const firstGrowth = 16 << 10

// makeRoom makes room for more of a request, of size bytes if that is known. What a head announces is believed only as far as bytes have
// come: the buffer at most doubles.
func (c *connection) makeRoom(size int) {
	if c.filled < len(c.buffer) {
		return
	}
	room := max(2*len(c.buffer), firstGrowth)
	if size > c.filled {
		room = min(room, size)
	}
	larger := make([]byte, room)
	copy(larger, c.buffer)
	c.buffer = larger
}

// write sends the answer. false: it was the last one, or the client does not take it.
func (c *connection) write() bool {
	last := c.server.closing.Load()
	c.out = c.answer.append(c.out[:0], c.server.dates.text(c.now), last)
	if !renew(&c.writeBy, c.now, c.server.config.Write, c.conn.SetWriteDeadline) {
		return false
	}
	_, err := c.conn.Write(c.out)
	return err == nil && !last && !c.answer.closes()
}

// next lets go of the request that was answered.
func (c *connection) next() {
	c.drop(len(c.request.Body) + c.head.size)
	if len(c.buffer) > ownBytes && c.filled <= ownBytes {
		copy(c.own[:], c.buffer[:c.filled])
		c.buffer = c.own[:]
	}
	c.answered = true
	c.request = Request{}
	c.answer.reset()
}

// drop takes what was read first out of the buffer.
func (c *connection) drop(count int) {
	c.filled = copy(c.buffer, c.buffer[count:c.filled])
}
