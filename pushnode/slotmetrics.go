package pushnode

import (
	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/host"
)

// slotMetrics looks at the slots when somebody asks: what an operator should be woken for.
type slotMetrics struct {
	report func() host.Report
	slots  *prometheus.Desc
	copies *prometheus.Desc
	hooks  *prometheus.Desc
}

func newSlotMetrics(report func() host.Report) *slotMetrics {
	return &slotMetrics{
		report: report,
		slots: prometheus.NewDesc("halley_pushnode_slots",
			"Slots by how they are: copies here, led here, leaderless as far as this node knows; of the copies here stuck (no majority "+
				"is within reach) and lost (none ever will be); of those led here changing (copies on the move).", []string{"state"}, nil),
		copies: prometheus.NewDesc("halley_pushnode_follower_copies",
			"Copies on other nodes of slots that are led here: all, behind (they lack something committed), suspended (they get a whole state).",
			[]string{"state"}, nil),
		hooks: prometheus.NewDesc("halley_pushnode_hooks",
			"What webhooks are to be told of slots that are led here: waiting, and lost (let go of untold).", []string{"state"}, nil),
	}
}

// Describe is for Prometheus.
func (m *slotMetrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- m.slots
	descs <- m.copies
	descs <- m.hooks
}

// Collect is for Prometheus.
func (m *slotMetrics) Collect(metrics chan<- prometheus.Metric) {
	report := m.report()
	gauge := func(desc *prometheus.Desc, state string, value int) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), state)
	}
	gauge(m.slots, "copies", report.Copies)
	gauge(m.slots, "led", report.Leads)
	gauge(m.slots, "leaderless", report.Leaderless)
	gauge(m.slots, "stuck", report.Stuck)
	gauge(m.slots, "lost", report.Lost)
	gauge(m.slots, "changing", report.Changing)
	var all, behind, suspended int
	for _, f := range report.Followers {
		all, behind, suspended = all+f.Copies, behind+f.Behind, suspended+f.Suspended
	}
	gauge(m.copies, "all", all)
	gauge(m.copies, "behind", behind)
	gauge(m.copies, "suspended", suspended)
	gauge(m.hooks, "waiting", report.Hooks)
	gauge(m.hooks, "lost", int(report.LostHooks))
}
