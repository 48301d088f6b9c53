package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/wire"
)

// WebSocket serves GET /v1/ws: section 4 of web/docs/protocol.md. A page cannot see why a handshake was refused, so that all but a
// foreign origin is refused after it, by an error and a close.
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
	defer s.leave()
	request, refused := s.readRequest(r, "session", "cursor")
	if errors.Is(refused, wire.CodeOriginDenied) {
		writeError(w, refused)
		return
	}
	known := func() {}
	if request.grant == nil {
		leave, err := s.pending.enter(r.RemoteAddr)
		if err != nil {
			writeError(w, err)
			return
		}
		known = sync.OnceFunc(leave)
		defer known()
	}
	visit, err := s.accept(w, r)
	if err != nil {
		return // the library has answered
	}
	defer visit.close()
	if refused != nil {
		visit.refuse(refused)
		return
	}
	visit.known = known
	visit.serve(r, request)
}

// visit is one WebSocket from its handshake to its end. Its methods run on the handler's goroutine, which is its reader.
type visit struct {
	server *Server
	socket *socket
	frames *websocket.Conn
	buffer bytes.Buffer
	unread io.Reader // of a frame that was refused before its end
	known  func()    // the client has shown who it is
	conn   atomic.Pointer[connection]
}

// accept answers the handshake. Compression stays off: a message is encoded once for all. The origin was checked by its app's list.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{server: s}
	hijacked := &hijacker{ResponseWriter: w, timeout: s.config.WriteTimeout, linger: s.config.CloseTimeout}
	frames, err := websocket.Accept(hijacked, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     v.pinged,
		OnPongReceived:     func(context.Context, []byte) { v.heard() },
	})
	if err != nil {
		return nil, err
	}
	frames.SetReadLimit(-1) // read does it, with an error of the table
	v.socket, v.frames = hijacked.socket, frames
	return v, nil
}

// pinged answers a client's ping. Where the connection has a writer, that does it: the reader never waits for a socket.
func (v *visit) pinged(_ context.Context, payload []byte) (answerNow bool) {
	conn := v.conn.Load()
	if conn == nil {
		return true
	}
	v.heard()
	frame := wire.AppendFrameHeader(nil, wire.OpcodePong, len(payload))
	conn.outbox.tryPush(item{frame: append(frame, payload...)})
	return false
}

func (v *visit) heard() {
	if conn := v.conn.Load(); conn != nil {
		conn.heard.Store(time.Now().UnixNano())
	}
}

func (v *visit) close() { _ = v.frames.CloseNow() }

// refuse ends a WebSocket that has no connection yet.
func (v *visit) refuse(err error) {
	reason := closing(wire.AsError(err))
	v.server.logInternal("websocket", reason)
	v.server.metrics.ended(reason)
	v.socket.end(reason)
	v.discard()
}

// discard reads until the client has answered the close, or its time is over.
func (v *visit) discard() {
	for reader := v.unread; ; {
		if reader != nil {
			if _, err := io.Copy(io.Discard, reader); err != nil {
				return
			}
		}
		var err error
		if _, reader, err = v.frames.Reader(context.Background()); err != nil {
			return
		}
	}
}

// read reads one text frame of at most limit bytes. It is valid until the next read.
func (v *visit) read(limit int) ([]byte, error) {
	kind, reader, err := v.frames.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	v.unread = reader
	if kind != websocket.MessageText {
		return nil, wire.Errorf(wire.CodeProtocolError, "binary frames are not part of the protocol")
	}
	v.buffer.Reset()
	if v.buffer.Cap() > 4*readBuffer {
		v.buffer = bytes.Buffer{}
	}
	if _, err := v.buffer.ReadFrom(io.LimitReader(reader, int64(limit)+1)); err != nil {
		return nil, err
	}
	if v.buffer.Len() > limit {
		return nil, wire.Errorf(wire.CodeFrameTooLarge, "a frame has more than %d bytes", limit)
	}
	v.unread = nil
	v.heard()
	return v.buffer.Bytes(), nil
}

// serve opens the connection, with the credential of the request or of the first frame, and reads it to its end.
func (v *visit) serve(r *http.Request, request request) {
	open := opening{grant: request.grant, credential: request.credential, lasting: true, resume: request.values.Get("session")}
	cursor := request.values.Get("cursor")
	if open.grant == nil {
		command, err := v.awaitConnect()
		if _, ours := errors.AsType[*wire.Error](err); err != nil && !ours {
			return // the client is gone
		}
		if err != nil {
			v.refuse(err)
			return
		}
		if command.Session != "" {
			open.resume = command.Session
		}
		if command.Cursor != "" {
			cursor = command.Cursor
		}
		open.ref, open.credential = command.Ref, command.Key+command.Token
		if open.grant, request.app, err = v.server.admit(r, open.credential); err != nil {
			v.refuse(err)
			return
		}
	}
	var fault *wire.Error
	if open.cursor, fault = wire.ParseCursor(cursor, ""); fault != nil {
		v.refuse(fault)
		return
	}
	release, err := v.server.backend.Admit(open.grant.AppID)
	if err != nil {
		v.refuse(err)
		return
	}
	defer release()
	v.known()
	v.run(r, request.app, open)
}

// awaitConnect reads the frame that opens a WebSocket whose request had no credential.
func (v *visit) awaitConnect() (wire.Command, error) {
	if err := v.socket.SetReadDeadline(time.Now().Add(v.server.config.HandshakeTimeout)); err != nil {
		return wire.Command{}, err
	}
	frame, err := v.read(wire.OpeningBytes)
	if isTimeout(err) {
		return wire.Command{}, wire.NewError(wire.CodeHandshakeTimeout)
	}
	if err != nil {
		return wire.Command{}, err
	}
	command, fault := wire.DecodeCommand(frame)
	if fault != nil {
		return command, fault
	}
	if command.Op != wire.OpConnect {
		return command, wire.Errorf(wire.CodeProtocolError, "the first frame is %s, not connect", command.Op)
	}
	return command, v.socket.SetReadDeadline(time.Time{})
}

// run attaches the connection to its session, and reads commands while its writer writes.
func (v *visit) run(r *http.Request, app App, open opening) {
	s := v.server
	ctx, cancel := context.WithCancel(s.base)
	defer cancel()
	conn := s.newConnection(app, open.grant, v.socket, s.metrics.of("websocket"), r.Header.Get("Origin") != "")
	if err := s.attach(ctx, conn, open); err != nil {
		v.refuse(err)
		return
	}
	v.conn.Store(conn)
	s.opened(conn)
	var writer sync.WaitGroup
	var reason *wire.Error
	defer func() {
		cancel()
		_ = v.socket.Close()
		writer.Wait()
		s.detach(conn)
		s.gone(conn, reason)
	}()
	writer.Go(func() {
		defer cancel()
		if reason = conn.runRecovered(ctx); reason == nil {
			_ = v.socket.Close() // wakes the reader
		}
	})
	v.readCommands(ctx, conn)
}

// readCommands reads until the client is gone, or has answered a close.
func (v *visit) readCommands(ctx context.Context, conn *connection) {
	limit := conn.app.MessageBytes + wire.EnvelopeBytes
	for {
		frame, err := v.read(limit)
		if err != nil {
			fault, ours := errors.AsType[*wire.Error](err)
			if !ours {
				return
			}
			conn.close(fault)
			v.discard()
			return
		}
		conn.app.Meter.Received(len(frame))
		if conn.outbox.ending() != nil {
			continue // too late
		}
		if !v.command(ctx, conn, frame) {
			v.discard()
			return
		}
	}
}

// command does one command and queues its answer. It is false where nothing more is to be read.
func (v *visit) command(ctx context.Context, conn *connection, frame []byte) bool {
	command, fault := wire.DecodeCommand(frame)
	if fault == nil {
		fault = v.server.obey(ctx, conn, command)
	}
	switch {
	case fault == nil:
	case fault.Code == wire.CodeProtocolError, fault.Code == wire.CodeSessionReplaced:
		conn.close(fault)
		return false
	default:
		conn.answer(wire.AppendErrorReply(nil, command.Ref, fault))
	}
	return conn.awaitRoom(ctx)
}

// obey does a command in the session's turn and queues its answer, unless the session has gone to another connection.
func (s *Server) obey(ctx context.Context, conn *connection, command wire.Command) *wire.Error {
	session := conn.session
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
	c.outbox.push(item{frame: append(frame, text...)})
}

// awaitRoom keeps a client from asking for more than it takes: while the queue is full, its next command is not read.
func (c *connection) awaitRoom(ctx context.Context) bool {
	for c.outbox.full() {
		select {
		case <-c.outbox.room:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
