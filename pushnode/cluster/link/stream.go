package link

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of writing.
const (
	// chunkBytes is the most that goes into one write, and with it under one deadline: a network of 1 Mbit/s takes 2 s for it.
	chunkBytes = 256 << 10
	// writeTime is how long a write may find no room before the peer is given up.
	writeTime = 10 * time.Second
)

// stream is one connection of a link. One goroutine reads it and one writes.
type stream struct {
	// immutable after newStream
	link    *link
	class   Class
	conn    net.Conn
	flush   func() error
	limiter *rate.Limiter // nil: none
	out     *outbox
	counts  counts
	deaf    chan struct{} // closed when reading has ended
	mute    chan struct{} // closed when writing has ended

	heard atomic.Int64 // when something last came, in ns of Mesh.now
	busy  atomic.Bool  // that nothing is read is our doing: Up or Receive has not returned
}

func newStream(l *link, class Class, conn net.Conn) *stream {
	m := l.peer.mesh
	s := &stream{
		link: l, class: class, conn: conn, flush: joined(conn), out: newOutbox(m.config.limit(class)),
		counts: m.metrics.classes[class], deaf: make(chan struct{}), mute: make(chan struct{}),
	}
	s.busy.Store(true)
	if class == Bulk {
		s.limiter = m.limiter
	}
	return s
}

// read takes frames from the connection until it breaks or says bye.
func (s *stream) read() {
	defer close(s.deaf)
	defer s.contain()
	frames := newDecoder(s, s.class.MaxFrame())
	for {
		k, payload, err := frames.next()
		switch {
		case errors.Is(err, errDamaged):
			s.link.peer.mesh.config.Logger.Warn("a peer sent what is no frame", "node", node(s.link.peer.instance), "err", err)
			s.link.end(Damaged)
			return
		case err != nil:
			s.link.end(Reset)
			return
		case k == byeKind:
			s.link.end(farewell(payload))
			return
		}
		s.take(k, payload)
	}
}

// Read reads from the connection and notes when, for the decoder.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.conn.Read(b)
	if n > 0 {
		s.heard.Store(int64(s.link.peer.mesh.now()))
		s.counts.received.Add(float64(n))
	}
	return n, err
}

func (s *stream) take(k kind, payload []byte) {
	m := s.link.peer.mesh
	switch k {
	case payloadKind:
		s.counts.framesReceived.Inc()
		s.busy.Store(true)
		m.config.Receive(s.link.peer.instance, s.class, payload)
		s.heard.Store(int64(m.now()))
		s.busy.Store(false)
	case pingKind:
		if s.class == Control && len(payload) > 0 {
			s.out.put(pongKind, pong(payload, time.Now()))
		}
	case pongKind:
		if sample, ok := measure(payload, m.now(), time.Now()); ok {
			s.link.clock.add(sample)
			m.metrics.roundTrip.Observe(sample.roundTrip.Seconds())
		}
	}
}

// contain makes a panic of Receive the end of the link and not of the process.
func (s *stream) contain() {
	if cause := recover(); cause != nil {
		m := s.link.peer.mesh
		m.metrics.panics.Inc()
		m.config.Logger.Error("panic on a frame of a peer", "node", node(s.link.peer.instance), "class", s.class.String(),
			"err", cause, "stack", string(debug.Stack()))
		s.link.end(Damaged)
	}
}

// write sends what waits until ctx ends, a write fails or a bye is sent.
func (s *stream) write(ctx context.Context) {
	defer close(s.mute)
	var batch []byte
	for last := false; !last; {
		batch, last = s.out.take(batch)
		if len(batch) == 0 {
			select {
			case <-s.out.ready:
			case <-ctx.Done():
				return
			}
			continue
		}
		if err := s.send(ctx, batch); err != nil {
			s.link.end(Reset)
			return
		}
	}
}

// send writes a batch, in one write where it is not long.
func (s *stream) send(ctx context.Context, batch []byte) error {
	for len(batch) > 0 {
		chunk := batch[:min(len(batch), chunkBytes)]
		batch = batch[len(chunk):]
		if s.limiter != nil {
			if err := s.limiter.WaitN(ctx, len(chunk)); err != nil {
				return err
			}
		}
		if err := s.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return err
		}
		if _, err := s.conn.Write(chunk); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		s.counts.sent.Add(float64(len(chunk)))
	}
	return nil
}
