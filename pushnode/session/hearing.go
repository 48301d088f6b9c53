package session

import (
	"context"
	"errors"
	"net"
	"time"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// Received implements netpoll.Reader.
func (v *visit) Received(p []byte) (err error) {
	err = net.ErrClosed // of a panic
	defer v.server.recovered("read")
	err = v.read(p, v)
	return err
}

// listener does what the messages of a WebSocket ask for, each a text of UTF-8.
type listener interface{ hearText(text []byte) }

func (v *visit) read(p []byte, to listener) error {
	for len(p) > 0 && !v.deaf {
		event, rest, err := v.frames.Next(p, v.rules)
		p = rest
		if err != nil {
			v.misread(err)
			continue
		}
		if err := v.hear(event, to); err != nil {
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
func (v *visit) hear(event frame.Event, to listener) error {
	if v.conn != nil {
		v.conn.heard.Store(int64(momentOf(time.Now())))
	}
	switch event.Opcode {
	case wire.OpcodeText:
		to.hearText(event.Payload)
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
