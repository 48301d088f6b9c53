package edge

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	connections prometheus.Gauge
	refused     *prometheus.CounterVec // by the name of the error
	requests    prometheus.Counter
	panics      prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "halley_edge_connections", Help: "Open connections on the public port.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_edge_refused_total", Help: "Connections and requests turned away at the public port, by error.",
		}, []string{"code"}),
		requests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "halley_edge_requests_total", Help: "Requests on the public port.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "halley_edge_panics_total", Help: "Handlers that panicked; each is in the log.",
		}),
	}
	registerer.MustRegister(m.connections, m.refused, m.requests, m.panics)
	return m
}
