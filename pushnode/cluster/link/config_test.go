package link_test

import (
	"net"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/cluster/link"
)

func TestConfigIsJudged(t *testing.T) {
	tests := []struct {
		name   string
		change func(*link.Config)
		want   string // part of the error
	}{
		{"no instance", func(c *link.Config) { c.Instance = 0 }, "instance 0"},
		{"no listener", func(c *link.Config) { c.Listener = nil }, "no listener"},
		{"no callback", func(c *link.Config) { c.Down = nil }, "callback"},
		{"another's identity", func(c *link.Config) { with(t, ours)(c); c.Instance = 4 }, "identity is of instance 0000000000000003, not of"},
		{"a negative bound", func(c *link.Config) { c.DataBytes = -1 }, "negative"},
		{"plain and open to the network", func(c *link.Config) { c.Listener = openListener{c.Listener} }, "cluster secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listener := listen(t, "127.0.0.1:0")
			defer listener.Close()
			config := link.Config{
				Instance: 3, Listener: listener,
				Up: func(uint64) {}, Down: func(uint64, link.Reason) {}, Receive: func(uint64, link.Class, []byte) {},
			}
			test.change(&config)
			if _, err := link.New(config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// openListener says that it listens on all interfaces.
type openListener struct{ net.Listener }

func (openListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 7947} }

// A mesh that never ran gives its listener back.
func TestCloseWithoutRun(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	m, err := link.New(link.Config{
		Instance: 3, Listener: listener,
		Up: func(uint64) {}, Down: func(uint64, link.Reason) {}, Receive: func(uint64, link.Class, []byte) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.SetPeers([]link.Peer{{Instance: 1, Address: "127.0.0.1:1"}})
	m.Close()
	m.Close()
	m.Run(t.Context())
	m.SetPeers([]link.Peer{{Instance: 2, Address: "127.0.0.1:1"}})
	if conn, err := listener.Accept(); err == nil {
		conn.Close()
		t.Error("the listener is open")
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	a := start(t, 1, func(c *link.Config) { c.Registerer = registry })
	b := start(t, 2)
	join(a, 1, b, 2)
	for range 3 {
		a.Send(2, link.Data, []byte("counted"))
		b.wants(frame(1, link.Data, "counted"))
	}
	b.Send(1, link.Bulk, nil)
	a.wants(frame(2, link.Bulk, ""))
	got := gather(t, registry)
	for name, want := range map[string]float64{
		"halley_link_frames_total data sent":     3,
		"halley_link_frames_total bulk received": 1,
		"halley_link_frames_total data received": 0,
		"halley_link_frames_total control sent":  0, // heartbeats are not counted
		"halley_link_links":                      1,
		"halley_link_downs_total left":           0,
		"halley_link_queue_bytes bulk":           0,
		"halley_link_panics_total":               0,
		"halley_link_refusals_total":             0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", name, value, ok, want)
		}
	}
	if sent := got["halley_link_bytes_total data sent"]; sent < 3*7 {
		t.Errorf("%v bytes were sent", sent)
	}
	b.Close()
	a.wants(down(2, link.Left))
	if got := gather(t, registry); got["halley_link_downs_total left"] != 1 || got["halley_link_links"] != 0 {
		t.Errorf("after the peer has left: %v", got)
	}
}

// gather returns counters and gauges by name and the values of their labels.
func gather(tb testing.TB, registry *prometheus.Registry) map[string]float64 {
	tb.Helper()
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return values
}

// A peer that moved is reached at its new address.
func TestAPeerMoves(t *testing.T) {
	a, b := start(t, 2), start(t, 1)
	b.SetPeers([]link.Peer{a.as(2)})
	a.SetPeers([]link.Peer{{Instance: 1, Address: "127.0.0.1:1"}})
	a.wants(down(1, link.Refused))
	a.SetPeers([]link.Peer{b.as(1)})
	a.wants(up(1))
	b.wants(up(2))
}
