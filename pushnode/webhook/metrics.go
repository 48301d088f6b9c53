package webhook

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// What becomes of an event at an endpoint beside the outcomes of its delivery.
const (
	dropped = "dropped" // nobody wants it any more, or somebody else tells it
	lost    = "lost"    // there was no room, and nobody keeps it
)

// metrics counts attempts and events.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
	events   *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer, waiting func() float64) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_webhook_attempts_total", Help: "Requests to endpoints, by the class of the answer: 2xx to 5xx, or none.",
		}, []string{"answer"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "halley_webhook_attempt_seconds", Help: "How long requests to endpoints took.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_webhook_events_total", Help: "Events that endpoints need not be told any more, each once an endpoint, by why.",
		}, []string{"outcome"}),
	}
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "halley_webhook_waiting_events", Help: "Events that wait for an endpoint to accept them, each once an endpoint.",
	}, waiting)
	registerer.MustRegister(m.attempts, m.seconds, m.events, queued)
	return m
}

func (m *metrics) attempt(a Attempt) {
	class := "none"
	if a.Status != 0 {
		class = strconv.Itoa(a.Status/100) + "xx"
	}
	m.attempts.WithLabelValues(class).Inc()
	m.seconds.Observe(a.Duration.Seconds())
}
