package session

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// WebSocket serves GET /v1/ws: section 4 of web/docs/protocol.md. A page cannot see why a handshake was refused, so that all but a
// foreign origin is refused after it, by an error and a close. The connection outlives the handler.
func (s *Server) WebSocket(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("websocket")
	if r.Header.Get("Upgrade") == "" {
		if r.ProtoMajor == 1 { // HTTP/2 forbids both (RFC 9113, section 8.2.2)
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
		}
		writeErrorStatus(w, http.StatusUpgradeRequired, wire.Errorf(wire.CodeBadRequest, "this address speaks WebSocket"))
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
	early, err := v.accept(w, r)
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

// visit is one WebSocket from its handshake to its end, on its reading side. It is read by one goroutine at a time: the handler's, and
// after it whoever has something that came. Before it has a connection, it writes as well.
type visit struct {
	server *Server
	socket *socket
	frames frame.Reader
	rules  frame.Rules
	phase  atomic.Uint32
	deaf   bool        // what comes cannot be understood any more
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

// awaited is what is kept of a request until its client sends its credential.
type awaited struct {
	visit   *visit
	origin  *http.Request
	request request
	timeout *timeout
	speaks  turn // of those who write to the client meanwhile: its reader, and who refuses it
}

// refuse refuses the client, on another goroutine than its reader's: what that has begun to write is ended first.
func (a *awaited) refuse(reason *wire.Error) {
	a.speaks.claim()
	defer a.speaks.release()
	a.visit.refuse(reason)
}

// say writes to a client that is still awaited.
func (a *awaited) say(text []byte) error {
	a.speaks.claim()
	defer a.speaks.release()
	if a.visit.phase.Load() != phaseOpening {
		return nil // it is told something else
	}
	return a.visit.socket.send(text)
}

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

// await waits for the frame that opens a WebSocket whose request had no credential.
func (v *visit) await(r *http.Request, request request) {
	_ = v.socket.send(nil) // the answer to the handshake; that the client is gone is heard soon
	v.rules.MessageBytes = wire.OpeningBytes
	waited := &awaited{visit: v, origin: r.WithContext(v.server.base), request: request}
	waited.timeout = v.server.after(v.server.config.HandshakeTimeout, func() {
		waited.refuse(wire.NewError(wire.CodeHandshakeTimeout))
	})
	v.waits = waited
	v.server.awaits(waited)
}

// refuseSoon refuses a client of which nothing has come yet.
func (a *awaited) refuseSoon(reason *wire.Error) { a.timeout.hurry(func() { a.refuse(reason) }) }

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
	s := v.server
	release, err := s.backend.Admit(open.grant.AppID, open.comesBack())
	if err != nil {
		v.refuse(err)
		return
	}
	v.isKnown()
	conn := s.newSocketConnection(request.app, open.grant, v.socket, s.metrics.of(transportWebSocket), r.Header.Get("Origin") != "")
	conn.driver.release, conn.driver.lingers = release, true
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
	v.rules.MessageBytes = request.app.MessageBytes + wire.EnvelopeBytes
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
	v.server.handlers.Go(func() { v.dismiss(reason) }) // what it says meanwhile is read: it may have to end before it listens
}

// dismiss tells the client why it was refused, and leaves it a moment to answer.
func (v *visit) dismiss(reason *wire.Error) {
	v.socket.end(reason)
	linger := v.server.after(v.server.config.CloseTimeout, func() { _ = v.socket.conn.Close() })
	if v.linger.Store(linger); v.phase.Load() == phaseGone {
		linger.stop() // Ended may have been faster
	}
}

// Received implements netpoll.Reader.
func (v *visit) Received(p []byte) (err error) {
	err = net.ErrClosed // of a panic
	defer v.server.recovered("read")
	err = v.read(p)
	return err
}

func (v *visit) read(p []byte) error {
	for len(p) > 0 && !v.deaf {
		event, rest, err := v.frames.Next(p, v.rules)
		p = rest
		if err != nil {
			v.misread(err)
			continue
		}
		if err := v.hear(event); err != nil {
			return err
		}
	}
	return nil
}

// misread ends a WebSocket whose client does not keep to its rules. What it says is still read for the close that answers ours, if
// it can be understood at all.
func (v *visit) misread(err error) {
	if errors.Is(err, frame.ErrTooLarge) {
		v.fault(wire.Errorf(wire.CodeFrameTooLarge, "a frame has more than %d bytes", v.rules.MessageBytes))
		return
	}
	v.deaf = true
	if fault, ours := errors.AsType[*frame.Error](err); ours {
		v.fault(&wire.Error{Code: wire.Code(fault.Code), Message: fault.Error()})
	}
}

// fault ends the WebSocket for a reason.
func (v *visit) fault(reason *wire.Error) {
	if v.conn != nil {
		v.conn.close(reason)
		return
	}
	v.refuse(reason)
}

// hear does what a message or control frame asks for. An error ends the connection at once.
func (v *visit) hear(event frame.Event) error {
	if v.conn != nil {
		v.conn.heard.Store(int64(momentOf(time.Now())))
	}
	switch event.Opcode {
	case wire.OpcodeText:
		v.hearText(event.Payload)
	case wire.OpcodeBinary:
		v.fault(wire.Errorf(wire.CodeProtocolError, "binary frames are not part of the protocol"))
	case wire.OpcodePing:
		return v.pong(event.Payload)
	case wire.OpcodeClose:
		return v.part(event.Code)
	}
	return nil
}

func (v *visit) hearText(text []byte) {
	switch {
	case v.conn != nil && v.conn.outbox.ending() == nil:
		v.conn.meter.Received(len(text))
		v.command(text)
	case v.waits != nil && v.phase.Load() == phaseOpening:
		v.connect(text)
	default: // too late
	}
}

// pong answers a ping: on its own as long as there is no writer, and not at all where the client takes nothing.
func (v *visit) pong(payload []byte) error {
	text := append(wire.AppendFrameHeader(nil, wire.OpcodePong, len(payload)), payload...)
	switch {
	case v.conn != nil:
		v.conn.outbox.tryPush(frameItem(text))
		return nil
	case v.waits != nil:
		return v.waits.say(text)
	default:
		return nil
	}
}

// parted ends a connection whose client has said its close. The answer to that is written before.
var parted = &wire.Error{Code: closeNormal, Message: "closed by the client"}

// part answers a client's close with its own code (RFC 6455, section 5.5.1), or takes it for the answer to ours.
func (v *visit) part(code uint16) error {
	text := wire.AppendFrameHeader(nil, wire.OpcodeClose, 0)
	if code != frame.NoStatus {
		text = append(wire.AppendFrameHeader(nil, wire.OpcodeClose, 2), byte(code>>8), byte(code))
	}
	if v.conn != nil {
		v.conn.driver.parted.Store(true)
	}
	switch {
	case v.waits != nil:
		_ = v.waits.say(text) // the client is as good as gone
		return net.ErrClosed
	case v.conn == nil || v.conn.driver.hasEnded():
		return net.ErrClosed
	case v.conn.outbox.ending() == nil:
		v.conn.outbox.push(frameItem(text))
		v.conn.close(parted)
	}
	return nil
}

// connect opens the connection by the first frame.
func (v *visit) connect(text []byte) {
	waited := v.waits
	v.waits = nil
	v.server.awaitsNoMore(waited)
	if !waited.timeout.stop() {
		return // it was too late, and is told so
	}
	command, fault := wire.DecodeCommand(text)
	if fault == nil && command.Op != wire.OpConnect {
		fault = wire.Errorf(wire.CodeProtocolError, "the first frame is %s, not connect", command.Op)
	}
	if fault != nil {
		v.refuse(fault)
		return
	}
	request := waited.request
	request.credential = command.Key + command.Token
	var err error
	if request.grant, request.app, err = v.server.admit(waited.origin, request.credential); err != nil {
		v.refuse(err)
		return
	}
	v.open(waited.origin, request, command)
}

// Ended implements netpoll.Reader.
func (v *visit) Ended(error) {
	if v.conn != nil {
		v.conn.driver.hangUp()
		return
	}
	if v.waits != nil {
		v.server.awaitsNoMore(v.waits)
		v.waits.timeout.stop()
	}
	v.phase.Store(phaseGone)
	if linger := v.linger.Load(); linger != nil {
		linger.stop()
	}
	v.isKnown()
	v.server.leave()
}

// command does one command and queues its answer.
func (v *visit) command(text []byte) {
	conn := v.conn
	command, fault := wire.DecodeCommand(text)
	if fault == nil {
		fault = v.server.obey(v.server.base, conn, command)
	}
	switch {
	case fault == nil:
	case fault.Code == wire.CodeProtocolError, fault.Code == wire.CodeSessionReplaced:
		conn.close(fault)
		return
	default:
		conn.answer(wire.AppendErrorReply(nil, command.Ref, fault))
	}
	conn.outbox.awaitRoom()
}

// obey does a command in the session's turn and queues its answer, unless the session has gone to another connection.
func (s *Server) obey(ctx context.Context, conn *connection, command wire.Command) *wire.Error {
	session := conn.session
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	if err := session.take(ctx); err != nil {
		return wire.NewError(wire.CodeUnavailable).Because(err)
	}
	defer session.release()
	if session.connection() != conn {
		return wire.NewError(wire.CodeSessionReplaced)
	}
	out, err := s.execute(ctx, session, session.currentGrant(), command)
	if err != nil {
		return s.shown(string(command.Op), err)
	}
	if command.Ref != 0 {
		conn.answer(wire.AppendReply(nil, command.Ref, out.reply))
	}
	if out.begin != nil {
		out.begin()
	}
	return nil
}

// answer queues the answer to a command.
func (c *connection) answer(text []byte) {
	frame := wire.AppendFrameHeader(make([]byte, 0, len(text)+10), wire.OpcodeText, len(text))
	c.outbox.answer(frameItem(append(frame, text...)))
}
