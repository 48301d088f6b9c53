package pushnode

import (
	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/pressure"
)

// guardMetrics tell how near the node is to its end, and what it did about that.
type guardMetrics struct {
	memory prometheus.Gauge
	delay  prometheus.Gauge
	shed   *prometheus.CounterVec
	gone   prometheus.Counter // bytes
}

func newGuardMetrics(registerer prometheus.Registerer, g *guard) *guardMetrics {
	m := &guardMetrics{
		memory: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "halley_pushnode_memory_bytes", Help: "Memory that a garbage collection would not give back, as it was last judged.",
		}),
		delay: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "halley_pushnode_scheduling_delay_seconds", Help: "How long nine of ten goroutines at most waited for a processor in the last second.",
		}),
		shed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_pushnode_shed_total",
			Help: "What was refused under pressure: connections, resumes, publications; queues: how many were let go.",
		}, []string{"what"}),
		gone: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "halley_pushnode_shed_queue_bytes_total", Help: "Bytes that waited for connections and were let go under pressure.",
		}),
	}
	limit := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "halley_pushnode_memory_limit_bytes", Help: "Memory that the node may use; 0: there is no bound.",
	}, func() float64 { return float64(g.limits.Memory) })
	state := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "halley_pushnode_pressure_state", Help: "0 normal, 1 crowded (no new clients), 2 strained (no publications), 3 critical (queues are let go).",
	}, func() float64 { return float64(g.now()) })
	registerer.MustRegister(m.memory, m.delay, m.shed, m.gone, limit, state)
	return m
}

func (m *guardMetrics) saw(reading pressure.Reading) {
	m.memory.Set(float64(reading.Memory))
	m.delay.Set(reading.Delay.Seconds())
}

func (m *guardMetrics) relieved(bytes, queues int) {
	m.gone.Add(float64(bytes))
	m.shed.WithLabelValues("queues").Add(float64(queues))
}
