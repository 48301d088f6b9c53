package console

import "github.com/prometheus/client_golang/prometheus"

// metrics are the console's counters. No label holds anything of a customer.
type metrics struct {
	requests *prometheus.CounterVec // by status class
	logins   *prometheus.CounterVec // by result: ok, wrong, throttled, busy
	signups  *prometheus.CounterVec // by result: ok, taken, throttled
	withheld *prometheus.CounterVec // by kind: reset, verify, taken
	panics   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_console_requests_total", Help: "Answers of the console by class of status."}, []string{"class"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_console_logins_total", Help: "Log-in attempts by result."}, []string{"result"}),
		signups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_console_signups_total", Help: "Sign-up attempts by result."}, []string{"result"}),
		withheld: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "halley_console_mails_withheld_total",
			Help: "Mails that were not written, as their address had enough of the kind just before."}, []string{"kind"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "halley_console_panics_total", Help: "Requests that ended in a panic: each is a fault of the program."}),
	}
	registerer.MustRegister(m.requests, m.logins, m.signups, m.withheld, m.panics)
	return m
}
