package link

import "github.com/prometheus/client_golang/prometheus"

const (
	namespace = "halley"
	subsystem = "link"
)

// metrics counts what happens to links. Nothing is labelled by peer.
type metrics struct {
	classes   [classes]counts
	downs     [reasons]prometheus.Counter
	roundTrip prometheus.Histogram
	refusals  prometheus.Counter
	panics    prometheus.Counter
}

// counts are the counters of one class.
type counts struct {
	framesSent, framesReceived prometheus.Counter
	sent, received             prometheus.Counter // bytes, before TLS
}

func newMetrics(registerer prometheus.Registerer, links func() float64, queued func(Class) float64) *metrics {
	frames := counters("frames_total", "Frames that were queued for peers, or came from them.", "class", "direction")
	bytes := counters("bytes_total", "Bytes that were written to peers, or read from them, before TLS.", "class", "direction")
	downs := counters("downs_total", "Times that a peer was told to be down.", "reason")
	m := &metrics{
		roundTrip: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "heartbeat_seconds", Help: "Round trips of heartbeats.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8), // 0.1 ms to 1.6 s
		}),
		refusals: counter("refusals_total", "Connections that were accepted and not let in."),
		panics:   counter("panics_total", "Panics on frames or connections of peers, which their link did not survive."),
	}
	registerer.MustRegister(frames, bytes, downs, m.roundTrip, m.refusals, m.panics,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "links", Help: "Links that are up.",
		}, links))
	for class := range classes {
		m.classes[class] = counts{
			framesSent: frames.WithLabelValues(class.String(), "sent"), framesReceived: frames.WithLabelValues(class.String(), "received"),
			sent: bytes.WithLabelValues(class.String(), "sent"), received: bytes.WithLabelValues(class.String(), "received"),
		}
		registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "queue_bytes", Help: "Bytes that wait for peers.",
			ConstLabels: prometheus.Labels{"class": class.String()},
		}, func() float64 { return queued(class) }))
	}
	for reason := Reset; reason < reasons; reason++ {
		m.downs[reason] = downs.WithLabelValues(reason.String())
	}
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}
