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

	"halley/pushnode/http1"
)

// Server serves one handler on one listener.
type Server struct {
	// immutable after New
	config  Config
	http    *http.Server
	proxies proxies
	gate    *gate
	rules   rules
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
		rules:   rules{logger: config.Logger, metrics: metrics, https: config.HTTPS || config.TLS != nil},
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(config.TLS != nil)
	s.http = &http.Server{
		Handler:           s.handler(handler),
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

// handler is the way of every request that net/http reads, outermost first.
func (s *Server) handler(next http.Handler) http.Handler {
	next = &requests{next: next, rules: s.rules}
	next = s.gate.countRequests(next)
	return s.proxies.clientAddress(next)
}

// Run serves on the listener until ctx ends, then waits a while for the requests under way. Hijacked connections are their
// handlers' to close.
func (s *Server) Run(ctx context.Context, inner *net.TCPListener) error {
	front, err := http1.Listen(
		&listener{TCPListener: inner, gate: s.gate, trusted: s.proxies, plain: s.config.TLS == nil}, s.frontConfig(),
	)
	if err != nil {
		return err
	}
	err = Serve(ctx, s.http, front)
	return errors.Join(err, front.Close(), front.Wait(shutdownTimeout))
}

// frontConfig is what stands in front of net/http. A trusted proxy's word about its clients is net/http's to read.
func (s *Server) frontConfig() http1.Config {
	return http1.Config{
		Handler: &quick{next: s.config.Quick, rules: s.rules},
		Upgrade: s.http.Handler,
		TLS:     s.config.TLS,
		Skips:   func(conn net.Conn) bool { return s.proxies.contain(peerAddress(conn.RemoteAddr().String())) },
		Header:  s.config.Timeouts.Header,
		Write:   s.config.Timeouts.Write,
		Idle:    s.config.Timeouts.Idle,
	}
}

// shutdownTimeout is how long requests under way have to end by themselves. Long-lived ones have been told to before.
const shutdownTimeout = 5 * time.Second

// Serve runs an HTTP server until ctx ends; requests that take longer than 5 s from then are cut. It owns the listener, which has ended
// TLS where that is spoken.
func Serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	var serving sync.WaitGroup
	ended := make(chan error, 1)
	serving.Go(func() { ended <- server.Serve(listener) })
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
