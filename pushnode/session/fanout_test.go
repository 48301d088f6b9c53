package session

import (
	"log/slog"
	"testing"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/netpoll"
	"halley/pushnode/wire"
)

// eager is a socket that takes everything at once.
type eager struct {
	netpoll.Conn
	taken []byte
}

func (e *eager) TryWrite(p []byte) (int, error) {
	e.taken = append(e.taken, p...)
	return len(p), nil
}

// faulty is a dialect that has a fault.
type faulty struct{ frameDialect }

func (faulty) whole(*item) []byte { panic("the tests want it so") }

// newEagerConnection is a connection that the fan-out writes to, and nobody else.
func newEagerConnection(s *Server, speaks dialect) (*connection, *eager) {
	conn := &eager{}
	socket := &socket{conn: conn, dialect: speaks}
	c := s.newSocketConnection(App{QueueBytes: 1 << 20}, &auth.Grant{}, socket, s.metrics.of(transportWebSocket), false)
	c.over, c.driver.atOnce = false, true
	c.driver.state.Store(ended)
	return c, conn
}

// A panic in what is written to one connection ends that one: all others get their messages.
func TestPanicInADirectWrite(t *testing.T) {
	t.Parallel()
	d, h := newTestDelivery()
	s := d.server
	s.metrics, s.logger = h.metrics, slog.New(slog.DiscardHandler)
	bad, _ := newEagerConnection(s, faulty{})
	good, socket := newEagerConnection(s, frameDialect{})
	for _, c := range []*connection{bad, good} {
		c.outbox.push(item{shared: wire.Share(wire.Ping{})})
	}
	count := tally{now: time.Now()}
	bad.outbox.flush(&count)
	good.outbox.flush(&count)
	if bad.failed == nil || bad.over {
		t.Errorf("the connection of the panic is to end by its writer: failed with %v, over %v", bad.failed, bad.over)
	}
	if done := bad.driver.writeDirect(&count); done {
		t.Error("it is written to again")
	}
	if !bad.turn.TryLock() {
		t.Error("its turn is still taken")
	}
	if len(socket.taken) == 0 || good.failed != nil {
		t.Errorf("the other one got %q, failed with %v", socket.taken, good.failed)
	}
}

// A panic while a message is put into queues sends those who follow the channel back to history. Other channels go on.
func TestPanicInAQueue(t *testing.T) {
	t.Parallel()
	d, h := newTestDelivery()
	d.server.metrics, d.server.logger = h.metrics, slog.New(slog.DiscardHandler)
	one, other := newWritten(1000), newWritten(1000)
	one.follow(h, "a")
	other.follow(h, "b")
	a := h.find(channel.ID{App: "app", Name: "a"})
	a.subs[0].session = nil // which who is excluded is looked up in
	d.Publish(channel.Published{
		Channel: a.id, Epoch: channel.Epoch{Cluster: 1}, Publication: &channel.Publication{Offset: 1, Exclude: "ses_1", Data: []byte("1")},
	})
	d.publish("b", 1, 2)
	d.Flush()
	if sub := a.subs[0]; sub.mode != behind || !one.outbox.starving() {
		t.Errorf("who should read history is in mode %v, to be fed: %v", sub.mode, one.outbox.starving())
	}
	other.want(t, 2)
}
