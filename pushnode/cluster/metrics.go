package cluster

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what happens to the view. Nothing is labelled by node: a scrape is of one node anyway.
type metrics struct {
	joins    *prometheus.CounterVec // by outcome: met, failed
	losses   *prometheus.CounterVec // by cause: left, dead
	refusals *prometheus.CounterVec // by reason: name, meta, instance, protocol, address
	lookups  prometheus.Counter
	faults   *prometheus.CounterVec // by level
	blocked  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, members, conflicts, health func() float64) *metrics {
	m := &metrics{
		joins:    counters("joins_total", "Times that views were compared with an address where a peer may be.", "outcome"),
		losses:   counters("losses_total", "Members that went.", "cause"),
		refusals: counters("refusals_total", "Times that gossip spoke of a member that cannot be one.", "reason"),
		lookups:  counter("lookup_failures_total", "Look-ups of seeds that failed."),
		faults:   counters("gossip_faults_total", "Faults that gossip met, such as packets of another label or key.", "level"),
		blocked:  counter("udp_blocked_total", "Probes that were answered over TCP but not over UDP: a firewall lets only one through."),
	}
	registerer.MustRegister(m.joins, m.losses, m.refusals, m.lookups, m.faults, m.blocked,
		gaugeFunc("members", "Members in view, this node among them.", members),
		gaugeFunc("conflicts", "Other clusters in view; above 0 a merge is due.", conflicts),
		gaugeFunc("health_score", "How badly this node keeps up with its probes: 0 well, 3 worst.", health))
	return m
}

const (
	namespace = "halley"
	subsystem = "cluster"
)

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func gaugeFunc(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, value)
}
