package session

import (
	"errors"
	"net/http"
	"sync/atomic"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// WebSocket serves GET /v1/ws: section 4 of web/docs/protocol.md. A page cannot see why a handshake was refused, so that all but a
// foreign origin is refused after it, by an error and a close. The connection outlives the handler.
func (s *Server) WebSocket(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("websocket")
	if !wantsWebSocket(w, r) {
		return
	}
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	v := &visit{server: s}
	started := false
	defer func() {
		if !started {
			v.abort()
		}
	}()
	request, refused := s.readRequest(r, "session", "cursor")
	if errors.Is(refused, wire.CodeOriginDenied) {
		writeError(w, refused)
		return
	}
	if request.grant == nil {
		leave, err := s.pending.enter(r.RemoteAddr)
		if err != nil {
			writeError(w, err)
			return
		}
		v.known = leave
	}
	early, err := v.accept(w, r, s.config.Compression)
	if err != nil {
		return // the library has answered
	}
	switch {
	case refused != nil:
		v.refuse(refused)
	case request.grant == nil:
		v.await(r, request)
	default:
		v.open(r, request, wire.Command{})
	}
	started = true
	v.socket.conn.Start(early, v)
}

// wantsWebSocket reports whether a request asks for a WebSocket. One that does not has been answered.
func wantsWebSocket(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Upgrade") != "" {
		return true
	}
	if r.ProtoMajor == 1 { // HTTP/2 forbids both (RFC 9113, section 8.2.2)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
	}
	writeErrorStatus(w, http.StatusUpgradeRequired, wire.Errorf(wire.CodeBadRequest, "this address speaks WebSocket"))
	return false
}

// visit is one WebSocket from its handshake to its end, on its reading side. It is read by one goroutine at a time: the handler's, and
// after it whoever has something that came. Before it has a connection, it writes as well.
type visit struct {
	server *Server
	socket *socket
	frames frame.Reader
	rules  frame.Rules
	phase  atomic.Uint32
	deaf   bool        // what comes cannot be understood any more
	mute   bool        // the client has no answer to a close
	conn   *connection // nil: it has none yet, or never

	known  func()                  // to be called when the client has shown who it is, or is gone; nil: it was
	waits  *awaited                // nil: for nothing
	linger atomic.Pointer[timeout] // of a client that was refused: it has a moment to answer
}

// Phases of a visit.
const (
	phaseOpening uint32 = iota // the credential is on its way, or being looked at
	phaseOpen
	phaseRefused
	phaseGone // nothing comes from it any more; it had no connection
)

// abort ends a visit that has not begun.
func (v *visit) abort() {
	if v.socket != nil {
		_ = v.socket.conn.Close()
	}
	v.isKnown()
	v.server.leave()
}

// isKnown says that the client has shown who it is, or is gone.
func (v *visit) isKnown() {
	if v.known != nil {
		v.known()
		v.known = nil
	}
}

// open attaches the connection to its session, by the credential of the request or of the first frame.
func (v *visit) open(r *http.Request, request request, command wire.Command) {
	open := opening{
		grant: request.grant, credential: request.credential, lasting: true, ref: command.Ref,
		resume: orElse(command.Session, request.values.Get("session")),
	}
	var fault *wire.Error
	if open.cursor, fault = wire.ParseCursor(orElse(command.Cursor, request.values.Get("cursor")), ""); fault != nil {
		v.refuse(fault)
		return
	}
	v.rules.MessageBytes = request.app.MessageBytes + wire.EnvelopeBytes
	v.join(request.app, open, transportWebSocket, r.Header.Get("Origin") != "", nil)
}

// join gives the WebSocket a connection, and that its session. browser says that the request carried an Origin, client what only those of
// Pusher's have.
func (v *visit) join(app App, open opening, transport string, browser bool, client *pusherClient) {
	s := v.server
	release, err := s.backend.Admit(open.grant.AppID, open.comesBack())
	if err != nil {
		v.refuse(err)
		return
	}
	v.isKnown()
	conn := s.newSocketConnection(app, open.grant, v.socket, s.metrics.of(transport), browser)
	conn.pusher = client
	conn.driver.release, conn.driver.lingers = release, !v.mute
	attached := false
	defer func() {
		if !attached {
			s.forsake(conn)
		}
	}()
	if err := s.attach(s.base, conn, open); err != nil {
		v.refuse(err)
		return
	}
	attached = true
	v.phase.Store(phaseOpen)
	v.conn = conn
	s.opened(conn)
	conn.driver.launch()
}

func orElse(text, other string) string {
	if text != "" {
		return text
	}
	return other
}

// refuse ends a WebSocket that has no connection, unless somebody has done so before.
func (v *visit) refuse(err error) {
	if !v.phase.CompareAndSwap(phaseOpening, phaseRefused) {
		return
	}
	reason := closing(wire.AsError(err))
	v.server.logInternal("websocket", reason)
	v.server.metrics.ended(reason)
	if v.mute { // its first request gets all of it: the next may reach a node that cannot know who had the conversation
		v.dismiss(reason)
		return
	}
	v.server.handlers.Go(func() { v.dismiss(reason) }) // what it says meanwhile is read: it may have to end before it listens
}

// dismiss tells the client why it was refused, and leaves it a moment to answer, if it has an answer.
func (v *visit) dismiss(reason *wire.Error) {
	v.socket.end(reason)
	if v.mute {
		_ = v.socket.conn.Close()
		return
	}
	linger := v.server.after(v.server.config.CloseTimeout, func() { _ = v.socket.conn.Close() })
	if v.linger.Store(linger); v.phase.Load() == phaseGone {
		linger.stop() // Ended may have been faster
	}
}
