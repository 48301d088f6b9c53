package session

import "time"

// tally counts what is written to many connections, and adds it up where they are of one app and transport, as those of a channel are: to
// count each delivery by itself would have the processors wait for each other.
type tally struct {
	now time.Time // about when it is written

	metrics         *transportMetrics
	meter           Meter
	messages, bytes int
}

// add counts what was written to a connection.
func (t *tally) add(c *connection, items []item) {
	if t.metrics != c.metrics || t.meter != c.meter {
		t.flush()
		t.metrics, t.meter = c.metrics, c.meter
	}
	for i := range items {
		t.bytes += items[i].size()
		if items[i].message() != nil {
			t.messages += items[i].weight()
		}
	}
}

// flush adds what was counted to what is shown.
func (t *tally) flush() {
	if t.metrics != nil {
		t.metrics.sent.Add(float64(t.bytes))
	}
	if t.messages > 0 {
		t.metrics.deliveries.Add(float64(t.messages))
		t.meter.Delivered(t.messages, t.bytes)
	}
	t.messages, t.bytes = 0, 0
}
