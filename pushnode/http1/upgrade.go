package http1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// upgradeBegin is how a request for a WebSocket begins: RFC 6455 section 4.1.
const upgradeBegin = "GET "

// lookUpgrade looks for the head of a request for a WebSocket. It is whole where it is plain and has no body; its fields are then for the
// handler to judge, as those that net/http reads. Clients offer to go on by HTTP/2 in the same words, with requests of any kind: they are
// net/http's, which goes on by HTTP/1.1 and sends an answer as it comes.
func (h *head) lookUpgrade(data []byte) verdict {
	*h = head{}
	end := bytes.Index(data, headEnd)
	switch {
	case end < 0 && len(data) < maxHead:
		return partly
	case end < 0 || end > maxHead-len(headEnd):
		return foreign
	}
	h.size = end + len(headEnd)
	line, fields, _ := bytes.Cut(data[:end+len(crlf)], crlf)
	target, found := bytes.CutSuffix(line[len(upgradeBegin):], []byte(lineEnd))
	if !found || len(target) == 0 || target[0] != '/' || !plainTarget(target) || !plainUpgrade(fields) {
		return foreign
	}
	return whole
}

// plainTarget reports whether there is nothing but printable ASCII in a path with its query.
func plainTarget(target []byte) bool {
	for _, char := range target {
		if classes[char]&inValue == 0 || char == ' ' || char == '#' {
			return false
		}
	}
	return true
}

// plainUpgrade reports whether header fields are plain, ask for a WebSocket and nothing else, and say nothing of a body.
func plainUpgrade(fields []byte) bool {
	hosts, upgrades := 0, 0
	for len(fields) > 0 {
		line, rest, _ := bytes.Cut(fields, crlf)
		name, value, found := bytes.Cut(line, colon)
		value, plain := plainValue(value)
		if !found || !plain || !plainName(name) {
			return false
		}
		switch {
		case bytes.EqualFold(name, []byte("host")):
			hosts++
			if !plainHost(value) {
				return false
			}
		case bytes.EqualFold(name, []byte("upgrade")):
			upgrades++
			if !bytes.EqualFold(value, []byte("websocket")) {
				return false
			}
		case framing(name):
			return false
		}
		fields = rest
	}
	return hosts == 1 && upgrades == 1
}

// plainName reports whether a field's name has letters, digits and dashes alone.
func plainName(name []byte) bool {
	for _, char := range name {
		if char != '-' && (char|0x20 < 'a' || char|0x20 > 'z') && (char < '0' || char > '9') {
			return false
		}
	}
	return len(name) > 0
}

// framing reports whether a field says how a message is framed, or asks for an answer before its body.
func framing(name []byte) bool {
	for _, meant := range []string{"content-length", "transfer-encoding", "expect", "te", "trailer"} {
		if bytes.EqualFold(name, []byte(meant)) {
			return true
		}
	}
	return false
}

// upgrade has the handler answer a request for a WebSocket. taken: the handler has the connection now. Otherwise it is over: who is
// refused one has no use for this protocol.
func (c *connection) upgrade() (after outcome) {
	request, err := c.upgradeRequest()
	if err != nil {
		return passOn
	}
	answer := &upgradeAnswer{c: c, header: make(http.Header)}
	defer func() {
		if recover() != nil { // it ends this connection and nothing else, as by net/http; the handler has told of it where it could
			after = over
		}
	}()
	if c.conn.SetDeadline(time.Time{}) != nil {
		return over
	}
	c.readBy, c.writeBy = time.Time{}, time.Time{}
	c.server.config.Upgrade.ServeHTTP(answer, request)
	if answer.taken {
		return taken
	}
	if renew(&c.writeBy, c.now, c.server.config.Write, c.conn.SetWriteDeadline) {
		_, _ = c.conn.Write(answer.text()) // the client may be gone
	}
	return over
}

// readers are for request heads.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, ownBytes) }}

// upgradeRequest is the request as net/http reads it.
func (c *connection) upgradeRequest() (*http.Request, error) {
	reader := readers.Get().(*bufio.Reader)
	defer readers.Put(reader)
	reader.Reset(bytes.NewReader(c.buffer[:c.head.size]))
	request, err := http.ReadRequest(reader)
	reader.Reset(nil)
	if err != nil {
		return nil, err
	}
	request = request.WithContext(c.server.ctx)
	request.RemoteAddr = c.raw.RemoteAddr().String()
	if secure, ok := c.conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		request.TLS = &state
	}
	return request, nil
}

// upgradeAnswer is an http.ResponseWriter that keeps what it is told, and an http.Hijacker.
type upgradeAnswer struct {
	c      *connection
	header http.Header
	status int // 0: none yet
	body   []byte
	taken  bool // the handler has the connection
}

// Header implements http.ResponseWriter.
func (a *upgradeAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *upgradeAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *upgradeAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

// SetReadDeadline is for http.ResponseController.
func (a *upgradeAnswer) SetReadDeadline(deadline time.Time) error {
	return a.c.conn.SetReadDeadline(deadline)
}

// SetWriteDeadline is for http.ResponseController.
func (a *upgradeAnswer) SetWriteDeadline(deadline time.Time) error {
	return a.c.conn.SetWriteDeadline(deadline)
}

// errTaken is what a second Hijack returns.
var errTaken = errors.New("http1: the connection was taken")

// Hijack implements http.Hijacker. A head that was written goes out first.
func (a *upgradeAnswer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, head, err := a.HijackUnsent()
	if err != nil || len(head) == 0 {
		return conn, buffers, err
	}
	if err := a.send(conn, head); err != nil {
		return nil, nil, errors.Join(err, conn.Close()) // nobody else has it
	}
	return conn, buffers, nil
}

// send sends the head of the answer to a connection that was taken, and leaves that without a deadline.
func (a *upgradeAnswer) send(conn net.Conn, head []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(a.c.server.config.Write)); err != nil {
		return err
	}
	if _, err := conn.Write(head); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// HijackUnsent is Hijack for a handler that sends the head itself, in one write with what it has to say first.
func (a *upgradeAnswer) HijackUnsent() (conn net.Conn, buffers *bufio.ReadWriter, head []byte, err error) {
	if a.taken {
		return nil, nil, nil, errTaken
	}
	a.taken = true
	if a.status != 0 {
		head = a.head(nil)
	}
	c := a.c
	rest := append([]byte(nil), c.buffer[c.head.size:c.filled]...)
	reader := bufio.NewReaderSize(c.conn, 1)
	if len(rest) > 0 {
		reader = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), c.conn), len(rest))
		_, _ = reader.Peek(len(rest)) // it is there
	}
	return c.conn, bufio.NewReadWriter(reader, bufio.NewWriterSize(c.conn, 1)), head, nil
}

// head appends the head of the answer.
func (a *upgradeAnswer) head(dst []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(a.status), 10)
	dst = append(append(append(dst, ' '), http.StatusText(a.status)...), crlf...)
	buffer := bytes.NewBuffer(dst)
	_ = a.header.Write(buffer) // a buffer takes everything
	dst = appendField(buffer.Bytes(), "Date", a.c.server.dates.text(a.c.now))
	return append(dst, crlf...)
}

// text is the whole answer, with which the connection ends.
func (a *upgradeAnswer) text() []byte {
	a.WriteHeader(http.StatusOK)
	a.header.Set(nameContentLength, strconv.Itoa(len(a.body)))
	a.header.Set(nameConnection, connectionClose)
	return append(a.head(nil), a.body...)
}
