package session

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/channel"
)

// written is a connection whose socket takes everything at once.
type written struct {
	outbox *outbox
	writes []int // how many messages went out in each
}

func newWritten(maxMessages int) *written {
	w := &written{}
	w.outbox = new(outbox).init(1<<20, maxMessages, w)
	return w
}

func (w *written) wake() {}

func (w *written) prefetch() {}

func (w *written) writeDirect(*tally) bool {
	taken := 0
	for _, one := range w.outbox.take(1 << 20) {
		taken += one.weight()
	}
	if taken > 0 {
		w.writes = append(w.writes, taken)
	}
	return w.outbox.wrote()
}

// follow makes live subscriptions of channels, at their first position.
func (w *written) follow(h *hub, names ...string) {
	for _, name := range names {
		sub := h.join(channel.ID{App: "app", Name: name}, &Session{id: "ses_1"}, w.outbox, channel.Rule{})
		sub.mode, sub.begun, sub.last = live, true, channel.Position{Epoch: channel.Epoch{Cluster: 1}}
	}
}

func newTestDelivery() (*Delivery, *hub) {
	ignore, none := func(channel.ID, int) {}, func() float64 { return 0 }
	h := newHub(newMetrics(prometheus.NewRegistry(), none, none), ignore, ignore)
	return (&Server{hub: h}).NewDelivery(), h
}

// publish hands over count messages of a channel, from an offset on.
func (d *Delivery) publish(name string, from, count int) {
	for offset := from; offset < from+count; offset++ {
		d.Publish(channel.Published{
			Channel: channel.ID{App: "app", Name: name}, Epoch: channel.Epoch{Cluster: 1},
			Publication: &channel.Publication{Offset: uint64(offset), Data: []byte("1")},
		})
	}
}

func (w *written) want(t *testing.T, writes ...int) {
	t.Helper()
	if len(writes) != len(w.writes) {
		t.Fatalf("written %v, want %v", w.writes, writes)
	}
	for i, messages := range writes {
		if w.writes[i] != messages {
			t.Fatalf("written %v, want %v", w.writes, writes)
		}
	}
}

// What is handed over together goes out in one write for each connection, of however many channels it is.
func TestDeliveryWritesTogether(t *testing.T) {
	d, h := newTestDelivery()
	one, both := newWritten(1000), newWritten(1000)
	one.follow(h, "a")
	both.follow(h, "a", "b")
	d.publish("a", 1, 5)
	d.publish("b", 1, 3)
	d.publish("nobody", 1, 3)
	one.want(t)
	d.Flush()
	d.Flush()
	one.want(t, 5)
	both.want(t, 8)
	d.publish("a", 6, 1)
	d.Flush()
	one.want(t, 5, 1)
	both.want(t, 8, 1)
}

// Nobody who reads fast is taken for slow because much was handed over at once.
func TestDeliveryDoesNotFillQueues(t *testing.T) {
	d, h := newTestDelivery()
	small := newWritten(8)
	small.follow(h, "a")
	d.publish("a", 1, 10)
	d.Flush()
	small.want(t, 4, 4, 2)
}

// What fills half of a queue at once is written without another message.
func TestDeliveryWritesHalfAQueue(t *testing.T) {
	d, h := newTestDelivery()
	small := newWritten(8)
	small.follow(h, "a")
	d.publish("a", 1, 4)
	d.Flush()
	small.want(t, 4)
}

// Those who came first do not wait for all who come after.
func TestDeliveryIsBounded(t *testing.T) {
	d, h := newTestDelivery()
	w := newWritten(1000)
	w.follow(h, "a")
	d.publish("a", 1, togetherMessages+1)
	w.want(t, togetherMessages)
	d.Flush()
	w.want(t, togetherMessages, 1)
}
