package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"

	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// Received implements netpoll.Reader.
func (v *pusherVisit) Received(p []byte) (err error) {
	err = net.ErrClosed // of a panic
	defer v.server.recovered("read")
	err = v.read(p, v)
	return err
}

// hearText does what an event of the client asks for.
func (v *pusherVisit) hearText(text []byte) {
	conn := v.conn
	if conn == nil || conn.outbox.ending() != nil {
		return // it was refused, or it is too late
	}
	conn.meter.Received(len(text))
	command, err := pusher.DecodeCommand(text)
	switch {
	case err != nil:
		conn.answer(pusher.AppendError(nil, 0, err.Error()))
	case command.Event == pusher.EventPing:
		conn.answer([]byte(pusher.Pong))
	case command.Event == pusher.EventPong: // it was heard
	default:
		v.obey(command)
	}
	conn.outbox.awaitRoom()
}

// pusherAnswer is what an event of a client is answered, frame by frame, and what may begin only when that is on its way.
type pusherAnswer struct {
	frames [][]byte
	begin  func()
}

func answerPusher(frames ...[]byte) pusherAnswer { return pusherAnswer{frames: frames} }

// obey does what an event asks for in the session's turn, and queues the answer. What cannot be done just now ends the connection: clients of
// Pusher's come back and begin anew, but never repeat what they asked for.
func (v *pusherVisit) obey(command pusher.Command) {
	s, conn := v.server, v.conn
	ctx, cancel := context.WithTimeout(s.base, s.config.CommandTimeout)
	defer cancel()
	if err := conn.session.take(ctx); err != nil {
		conn.close(wire.NewError(wire.CodeUnavailable).Because(err))
		return
	}
	defer conn.session.release()
	if conn.session.connection() != conn {
		return // it is gone: what is begun now, nobody would end
	}
	s.metrics.commands.WithLabelValues(pusherOp(command.Event)).Inc()
	answer, err := s.executePusher(ctx, conn, command)
	if err != nil {
		conn.close(closing(s.shown("pusher", err)))
		return
	}
	for _, frame := range answer.frames {
		conn.answer(frame)
	}
	if answer.begin != nil {
		answer.begin()
	}
}

// executePusher does what a client asks for. An error ends its connection.
func (s *Server) executePusher(ctx context.Context, conn *connection, command pusher.Command) (pusherAnswer, error) {
	switch {
	case command.Event == pusher.EventSubscribe:
		return s.subscribePusher(ctx, conn, command)
	case command.Event == pusher.EventUnsubscribe:
		return s.unsubscribePusher(ctx, conn, command.Channel)
	case command.Event == pusher.EventSignIn:
		return s.signInPusher(ctx, conn, command)
	case pusher.ByClient(command.Event):
		return s.publishPusher(ctx, conn, command)
	default:
		return answerPusher(pusher.AppendError(nil, 0, "Unknown event")), nil
	}
}

// pusherOp is how metrics name what a client asked for.
func pusherOp(event string) string {
	switch event {
	case pusher.EventSubscribe:
		return string(wire.OpSubscribe)
	case pusher.EventUnsubscribe:
		return string(wire.OpUnsubscribe)
	case pusher.EventSignIn:
		return "signin"
	default:
		return string(wire.OpPublish)
	}
}

// newSocketID makes the id of a connection.
func newSocketID() string {
	var random [16]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return pusher.SocketIDOf([2]uint64{binary.NativeEndian.Uint64(random[:8]), binary.NativeEndian.Uint64(random[8:])})
}
