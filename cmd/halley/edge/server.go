package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves one handler on one listener.
type Server struct {
	// immutable after New
	config  Config
	http    *http.Server
	proxies proxies
	gate    *gate
}

// New builds a server. It serves nobody before Serve.
func New(config Config, handler http.Handler) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	metrics := newMetrics(config.Registerer)
	trusted := proxies(config.TrustedProxies)
	s := &Server{
		config:  config,
		proxies: trusted,
		gate:    newGate(config.MaxConnections, config.MaxConnectionsPerIP, metrics, config.Logger),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(config.TLS != nil)
	s.http = &http.Server{
		Handler:           s.handler(handler, metrics),
		ReadHeaderTimeout: config.Timeouts.Header,
		ReadTimeout:       config.Timeouts.Read,
		WriteTimeout:      config.Timeouts.Write,
		IdleTimeout:       config.Timeouts.Idle,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		TLSConfig:         config.TLS,
		// Whatever a stranger does to a socket ends up here, so it must not fill the log.
		ErrorLog: slog.NewLogLogger(config.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// handler is every request's way, outermost first.
func (s *Server) handler(next http.Handler, metrics *metrics) http.Handler {
	next = &requests{next: next, logger: s.config.Logger, metrics: metrics, https: s.config.HTTPS || s.config.TLS != nil}
	next = s.gate.countRequests(next)
	return s.proxies.clientAddress(next)
}

// Run serves on the listener until ctx ends, then waits a while for the requests under way. Hijacked connections are their
// handlers' to close.
func (s *Server) Run(ctx context.Context, inner *net.TCPListener) error {
	return Serve(ctx, s.http, &listener{TCPListener: inner, gate: s.gate, trusted: s.proxies, plain: s.http.TLSConfig == nil})
}

// shutdownTimeout is how long requests under way have to end by themselves. Long-lived ones have been told to before.
const shutdownTimeout = 5 * time.Second

// Serve runs an HTTP server, with TLS if it has a configuration for that, until ctx ends; requests that take longer than 5 s from
// then are cut. It owns the listener.
func Serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	var serving sync.WaitGroup
	ended := make(chan error, 1)
	serving.Go(func() {
		if server.TLSConfig == nil {
			ended <- server.Serve(listener)
		} else {
			ended <- server.ServeTLS(listener, "", "")
		}
	})
	defer serving.Wait()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		return errors.Join(fmt.Errorf("requests were cut: %w", err), server.Close())
	}
	return nil
}

// ServerTLS is what every TLS listener of Halley's demands: TLS 1.2 or later, HTTP/2 and HTTP/1.1 offered. A browser that
// wants a WebSocket asks for HTTP/1.1.
func ServerTLS(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: certificate,
	}
}
