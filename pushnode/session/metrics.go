package session

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// metrics counts what happens to connections, sessions and messages. Nothing is labelled by app, channel or session.
type metrics struct {
	connections *prometheus.GaugeVec   // by transport
	deliveries  *prometheus.CounterVec // by transport
	sent        *prometheus.CounterVec // bytes, by transport
	commands    *prometheus.CounterVec // by op
	drops       *prometheus.CounterVec // by policy
	resumes     *prometheus.CounterVec // by outcome
	gaps        *prometheus.CounterVec // by reason
	closes      *prometheus.CounterVec // by code
	overflows   prometheus.Counter
	holes       prometheus.Counter
	pages       prometheus.Counter
	suspensions prometheus.Counter
	reattached  prometheus.Counter
	panics      prometheus.Counter

	transports map[string]*transportMetrics // immutable
}

// transportMetrics is the part of metrics that belongs to one transport.
type transportMetrics struct {
	connections prometheus.Gauge
	deliveries  prometheus.Counter
	sent        prometheus.Counter
}

// The transports, as metrics name them.
const (
	transportWebSocket = "websocket"
	transportEvents    = "sse"
	transportPoll      = "poll"
	transportPusher    = "pusher"
	transportFallback  = "pusher-http" // of Pusher's clients without a WebSocket
)

func newMetrics(registerer prometheus.Registerer, queued func() float64, parked func() float64) *metrics {
	m := &metrics{
		connections: gauges("connections", "Connections that are open.", "transport"),
		deliveries:  counters("deliveries_total", "Messages that were written to connections.", "transport"),
		sent:        counters("sent_bytes_total", "Bytes that were written to connections.", "transport"),
		commands:    counters("commands_total", "Commands that clients sent.", "op"),
		drops:       counters("drops_total", "Messages that a delivery policy let go of.", "policy"),
		resumes:     counters("resumes_total", "Connections that asked for an earlier session.", "outcome"),
		gaps:        counters("gaps_total", "Gaps that clients were told.", "reason"),
		closes:      counters("closes_total", "Connections that ended, by the code they were closed with; gone: the client left.", "code"),
		overflows:   counter("overflows_total", "Times that a full queue sent a subscription back to history."),
		holes:       counter("holes_total", "Times that a hole in what was delivered sent a subscription back to history."),
		pages:       counter("backlog_pages_total", "Pages of history that were read for subscriptions behind."),
		suspensions: counter("suspensions_total", "Times that a subscription's history could not be read."),
		reattached:  counter("reattached_total", "Sessions whose record was attached again, because this node had been taken for dead."),
		panics:      counter("panics_total", "Panics of a connection, which it did not survive."),
	}
	registerer.MustRegister(m.connections, m.deliveries, m.sent, m.commands, m.drops, m.resumes, m.gaps, m.closes,
		m.overflows, m.holes, m.pages, m.suspensions, m.reattached, m.panics,
		gaugeFunc("queue_bytes", "Bytes that wait for connections.", queued),
		gaugeFunc("parked", "Sessions that have no connection.", parked))
	m.transports = make(map[string]*transportMetrics)
	for _, name := range []string{transportWebSocket, transportEvents, transportPoll, transportPusher, transportFallback} {
		m.transports[name] = &transportMetrics{
			connections: m.connections.WithLabelValues(name),
			deliveries:  m.deliveries.WithLabelValues(name),
			sent:        m.sent.WithLabelValues(name),
		}
	}
	return m
}

// of is the metrics of a transport.
func (m *metrics) of(transport string) *transportMetrics { return m.transports[transport] }

func (m *metrics) dropped(policy channel.Policy, messages int) {
	m.drops.WithLabelValues(string(policy)).Add(float64(messages))
}

// ended counts the end of a connection. A nil reason is a client that left.
func (m *metrics) ended(reason *wire.Error) {
	code := "gone"
	if reason != nil {
		code = strconv.Itoa(int(reason.Code))
	}
	m.closes.WithLabelValues(code).Inc()
}

const (
	namespace = "halley"
	subsystem = "session"
)

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func gaugeFunc(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, value)
}
