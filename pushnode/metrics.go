package pushnode

import (
	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/host"
	"halley/pushnode/wire"
)

// metrics counts what the node itself does; connections and deliveries are counted by package session.
type metrics struct {
	published prometheus.Counter
	refusals  *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer, deliveries *deliveries, slots *slots) *metrics {
	m := &metrics{
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "halley_pushnode_publications_total", Help: "Publications acknowledged, without repeated ids.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_pushnode_refused_publications_total", Help: "Publications refused, by the name of the error.",
		}, []string{"code"}),
	}
	pending := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "halley_pushnode_pending_effects", Help: "Applied changes that wait for their fan-out.",
	}, deliveries.pending)
	folded := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "halley_pushnode_folded_effects_total",
		Help: "Applied changes that waited for a fan-out in vain: subscribers read what they missed from history.",
	}, deliveries.folded)
	broken := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "halley_pushnode_broken_copies_total", Help: "Copies of slots that came into a state that cannot be, and were dropped.",
	}, func() float64 { return float64(slots.host.Fallen()) })
	state := newSlotMetrics(func() host.Report { return slots.host.Report(slots.clock.now()) })
	registerer.MustRegister(m.published, m.refusals, pending, folded, broken, state)
	return m
}

// refused counts a publication that was not taken.
func (m *metrics) refused(err error) {
	m.refusals.WithLabelValues(wire.AsError(err).Code.Name()).Inc()
}
