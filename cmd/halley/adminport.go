package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"halley/cmd/halley/edge"
)

// adminPort is the operator's port: metrics, profiles and health. Whoever reaches it sees everything, so it is for loopback or a
// closed network.
type adminPort struct {
	server   *http.Server
	listener *net.TCPListener
}

func newAdminPort(listener *net.TCPListener, metrics prometheus.Gatherer, ready *readiness, logger *slog.Logger) *adminPort {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		CoalesceGather: true,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelError),
	}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /healthz", healthHandler(func() error { return nil }))
	mux.Handle("GET /readyz", healthHandler(ready.check))
	mux.Handle("GET /readyz/connections", healthHandler(ready.admits))
	mux.HandleFunc("GET /hot", ready.serveHottest)
	return &adminPort{listener: listener, server: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // profiles move it
		IdleTimeout:       75 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}}
}

// Run serves until ctx ends.
func (a *adminPort) Run(ctx context.Context) error { return edge.Serve(ctx, a.server, a.listener) }

// healthHandler answers 200, or 503 with the reason.
func healthHandler(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := check(); err != nil {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(err.Error() + "\n"))
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
}

// newRegistry makes the registry of all metrics, with those of the process and of its build.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	b := readBuild()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "halley_build_info", Help: "Always 1; the labels say which program this is.",
			ConstLabels: prometheus.Labels{"version": b.version, "commit": b.commit, "go": b.goVersion},
		}, func() float64 { return 1 }),
	)
	return registry
}
