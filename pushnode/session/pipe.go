package session

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"halley/pushnode/netpoll"
	"halley/pushnode/sockjs"
)

// Bounds of a conversation over several requests.
const (
	// pipeBytes is how much may wait for a client to fetch it before no more is taken. What was taken at once may go beyond.
	pipeBytes = 64 << 10
	// pipeAbsence is how long nobody may fetch: then the client is gone. SockJS has 5 s.
	pipeAbsence = 5 * time.Second
	// pipeQuiet is how long nothing came for a client that asks whether the server lives, for it to be answered. Clients that stream ask so when
	// they hear that it does: they are not answered.
	pipeQuiet = 5 * time.Second
)

// pipe is the connection of a client that comes by one request after another: what is written to it waits until it is fetched. What is
// written at a time is whole lines. It is a netpoll.Conn whose reader hears nothing but the end.
type pipe struct {
	// immutable
	server *Server
	name   string // of the conversation
	visit  *pusherVisit
	opened chan struct{} // closed when the client was let in or refused: visit.conn is set no more
	speaks turn          // of who says something for the client

	mu sync.Mutex
	// guarded by mu
	waiting  []byte         // whole lines
	fetcher  *fetcher       // nil: nobody is here
	visits   uint64         // requests that have come to fetch
	absence  *absence       // while nobody is
	wrote    time.Time      // when something was last put in
	room     chan struct{}  // closed when there may be room, or no more writing; nil: nobody waits for that
	reader   netpoll.Reader // nil: not started
	isClosed bool           // nothing is put in any more
}

var _ netpoll.Conn = (*pipe)(nil)

// Start implements netpoll.Conn: what the client says comes another way (hearAll).
func (p *pipe) Start(_ []byte, reader netpoll.Reader) {
	p.mu.Lock()
	p.reader = reader
	isClosed := p.isClosed
	p.mu.Unlock()
	if isClosed {
		p.endReader(reader)
	}
}

// AtOnce implements netpoll.Conn.
func (p *pipe) AtOnce() bool { return true }

// Prefetch implements netpoll.Conn: it is no socket.
func (p *pipe) Prefetch() {}

// TryWrite implements netpoll.Conn. It takes all of lines, or nothing.
func (p *pipe) TryWrite(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.putLocked(lines)
}

func (p *pipe) putLocked(lines []byte) (int, error) {
	switch {
	case p.isClosed:
		return 0, net.ErrClosed
	case len(p.waiting) >= pipeBytes:
		return 0, nil
	}
	p.waiting = append(p.waiting, lines...)
	p.wrote = time.Now()
	p.wakeLocked()
	return len(lines), nil
}

func (p *pipe) wakeLocked() {
	if p.fetcher != nil {
		p.fetcher.alarm.wake()
	}
}

// Write implements netpoll.Conn.
func (p *pipe) Write(lines []byte, wait time.Duration) (int, error) {
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		taken, room, err := p.putOrAsk(lines)
		if err != nil || room == nil {
			return taken, err
		}
		select {
		case <-room:
		case <-late.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// putOrAsk puts lines in, or returns what tells of room for them.
func (p *pipe) putOrAsk(lines []byte) (taken int, room <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if taken, err = p.putLocked(lines); err != nil || taken == len(lines) {
		return taken, nil, err
	}
	if p.room == nil {
		p.room = make(chan struct{})
	}
	return 0, p.room, nil
}

func (p *pipe) roomLocked() {
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
}

// Close implements netpoll.Conn. What waits may still be fetched.
func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLocked()
	if p.fetcher == nil && len(p.waiting) == 0 {
		p.forgetLocked()
	}
	return nil
}

func (p *pipe) closeLocked() {
	if p.isClosed {
		return
	}
	p.isClosed = true
	p.roomLocked()
	p.wakeLocked()
	if p.reader != nil {
		p.endReader(p.reader)
	}
}

// endReader tells the reader of the end, when nothing more is said for the client.
func (p *pipe) endReader(reader netpoll.Reader) {
	p.server.crew.Go(func() {
		p.speaks.claim()
		defer p.speaks.release()
		reader.Ended(net.ErrClosed)
	})
}

// forgetLocked ends the conversation: its name is free.
func (p *pipe) forgetLocked() {
	p.endAbsenceLocked()
	p.server.pipes.remove(p)
}

// absence is a time in which nobody fetches.
type absence struct {
	timeout *timeout
	back    func() // to be called once
}

// beginAbsenceLocked says that nobody fetches, and reports whether one may be absent: of one address, only so many.
func (p *pipe) beginAbsenceLocked(remote string) bool {
	back, err := p.server.pipes.absent.enter(remote)
	if err != nil {
		return false
	}
	began := &absence{back: back}
	began.timeout = p.server.after(pipeAbsence, func() { p.expire(began) })
	p.absence = began
	return true
}

func (p *pipe) endAbsenceLocked() {
	if p.absence != nil {
		p.absence.timeout.stop()
		p.absence.back()
		p.absence = nil
	}
}

// expire ends a conversation that nobody came for.
func (p *pipe) expire(gone *absence) {
	p.mu.Lock()
	isGone := p.absence == gone
	p.mu.Unlock()
	if isGone {
		p.abandon()
	}
}

// abandon ends a conversation, with what waits.
func (p *pipe) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abandonLocked()
}

func (p *pipe) abandonLocked() {
	p.waiting = nil
	p.closeLocked()
	p.forgetLocked()
}

// isOver reports whether nothing is heard any more.
func (p *pipe) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isClosed
}

// beat answers a client that says nothing but that it lives, if it has heard nothing for a while.
func (p *pipe) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.wrote) >= pipeQuiet {
		_, _ = p.putLocked([]byte(sockjs.Heartbeat)) // who is gone needs none, nor who has more to fetch than it can
	}
}

// fetcher is a request that fetches for its client.
type fetcher struct {
	pipe  *pipe
	visit uint64 // the how manieth of its conversation
	alarm alarm
}

// attend lets a request fetch. An earlier one that still does has lost its client, or will at once, and ends.
func (p *pipe) attend() *fetcher {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visits++
	return p.attendLocked()
}

// attendAgain is attend for a request that has been here; nil: a later one has come since.
func (p *pipe) attendAgain(visit uint64) *fetcher {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visits != visit {
		return nil
	}
	return p.attendLocked()
}

func (p *pipe) attendLocked() *fetcher {
	f := &fetcher{pipe: p, visit: p.visits, alarm: make(alarm, 1)}
	p.wakeLocked()
	p.fetcher = f
	p.endAbsenceLocked()
	return f
}

// leave ends the part of a request that came from an address.
func (f *fetcher) leave(remote string) {
	p := f.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetcher != f {
		return
	}
	p.fetcher = nil
	switch {
	case p.isClosed && len(p.waiting) == 0:
		p.forgetLocked()
	case !p.beginAbsenceLocked(remote):
		p.abandonLocked()
	}
}

// fetch takes the lines that wait, of so many units at most and the line that goes beyond; where there are none, the first that come until ctx
// ends. over says that there will be none for this request.
func (f *fetcher) fetch(ctx context.Context, most int) (lines []byte, units int, over bool) {
	for {
		if lines, units, over = f.take(most); len(lines) > 0 || over {
			return lines, units, over
		}
		select {
		case <-f.alarm:
		case <-ctx.Done():
			return nil, 0, false
		}
	}
}

func (f *fetcher) take(most int) (lines []byte, units int, over bool) {
	p := f.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetcher != f {
		return nil, 0, true
	}
	size, units := sockjs.Cut(p.waiting, most)
	lines, p.waiting = p.waiting[:size:size], p.waiting[size:]
	if len(p.waiting) == 0 {
		p.waiting = nil // lines are the fetcher's
	}
	p.roomLocked()
	return lines, units, p.isClosed && len(p.waiting) == 0
}
