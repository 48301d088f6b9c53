package session

import (
	"bufio"
	"errors"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// accept answers the handshake: RFC 6455, section 4.2. It returns what the client has sent behind it. The origin was checked by its app's
// list. Where the error is not nil, the library has answered. deflate offers compression.
//
// The library checks the request and answers it. It is stopped where it would begin to read: what it makes for that costs 2.5 KB, which
// two collections are needed to get rid of.
func (v *visit) accept(w http.ResponseWriter, r *http.Request, deflate bool) (early []byte, err error) {
	hijacker := &hijacker{ResponseWriter: w}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if deflate {
		options.CompressionMode = websocket.CompressionNoContextTakeover // by client and server: nothing is kept between messages
	}
	if _, err := websocket.Accept(hijacker, r, options); !errors.Is(err, errShaken) {
		return nil, err
	}
	v.socket = &socket{
		conn: v.server.poller.Adopt(hijacker.conn), dialect: frameDialect{}, timeout: v.server.config.WriteTimeout,
		kept: hijacker.unsent,
	}
	if w.Header().Get("Sec-WebSocket-Extensions") != "" { // the library knows one
		v.rules.Deflate, v.socket.dialect = true, deflateDialect{}
	}
	return hijacker.early, nil
}

// errShaken is how the hijacker ends the library's part.
var errShaken = errors.New("hands are shaken")

// hijacker takes the connection from the HTTP server, when the library has answered the handshake, and keeps it for itself.
type hijacker struct {
	http.ResponseWriter
	conn   net.Conn // set by Hijack
	early  []byte   // what HTTP had read beyond the request
	unsent []byte   // of the answer: it goes out with what is said first
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, head, err := hijack(h.ResponseWriter)
	if err != nil {
		return nil, nil, err
	}
	h.conn, h.early, h.unsent = conn, buffered(buffers), head
	return nil, nil, errShaken
}

// unsentHijacker is a Hijacker that leaves the head of the answer to who takes the connection: package http1 has one.
type unsentHijacker interface {
	HijackUnsent() (conn net.Conn, buffers *bufio.ReadWriter, head []byte, err error)
}

// hijack takes the connection of an answer, with the head of the answer if that is still to be sent.
func hijack(w http.ResponseWriter) (conn net.Conn, buffers *bufio.ReadWriter, head []byte, err error) {
	for inner := w; ; {
		switch one := inner.(type) {
		case unsentHijacker:
			return one.HijackUnsent()
		case interface{ Unwrap() http.ResponseWriter }:
			inner = one.Unwrap()
		default:
			conn, buffers, err = http.NewResponseController(w).Hijack()
			return conn, buffers, nil, err
		}
	}
}

// WriteHeader keeps the library from answering once more.
func (h *hijacker) WriteHeader(status int) {
	if h.conn == nil {
		h.ResponseWriter.WriteHeader(status)
	}
}

// Write is WriteHeader for a body.
func (h *hijacker) Write(p []byte) (int, error) {
	if h.conn != nil {
		return len(p), nil
	}
	return h.ResponseWriter.Write(p)
}

// buffered is what HTTP had read beyond the request, in memory of its own: its buffers are large.
func buffered(buffers *bufio.ReadWriter) []byte {
	early, _ := buffers.Peek(buffers.Reader.Buffered())
	return append([]byte(nil), early...)
}
