package main

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/cmd/halley/edge"
	"halley/console"
	"halley/pushnode"
	"halley/pushnode/http1"
	"halley/pushnode/pusher"
	"halley/pushnode/session"
)

// publicHandler says who answers what on the public port. It takes paths as they come: a router that cleans them would redirect
// channels whose names hold "//".
func publicHandler(node *pushnode.Node, pages *console.Server, ring *auth.Keyring) http.Handler {
	health, ready := onlyRead(healthHandler(func() error { return nil })), onlyRead(healthHandler(node.Ready))
	admits := onlyRead(healthHandler(node.Admits))
	keys := onlyRead(keysHandler(ring))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/v1/"), path == "/docs", strings.HasPrefix(path, "/docs/"), path == "/halley.js", path == "/halley.mjs",
			path == "/halley-pusher.js", isPusherPath(path):
			node.Handler().ServeHTTP(w, r)
		case path == "/healthz":
			health.ServeHTTP(w, r)
		case path == "/readyz":
			ready.ServeHTTP(w, r)
		case path == "/readyz/connections":
			admits.ServeHTTP(w, r)
		case path == "/.well-known/jwks.json":
			keys.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// isPusherPath tells the paths of Pusher's socket and HTTP API from those of the console's pages, which are below /apps/ too. An app of the console is
// called app_…, and so may one be that moved in from elsewhere: no page has the path of a call.
func isPusherPath(path string) bool {
	if _, found := pusher.ParsePath(path); found || strings.HasPrefix(path, session.PusherPath) ||
		strings.HasPrefix(path, session.FallbackPath) {
		return true
	}
	rest, below := strings.CutPrefix(path, "/apps/")
	id, _, more := strings.Cut(rest, "/")
	return below && more && !strings.HasPrefix(id, "app_")
}

// onlyRead refuses methods other than GET and HEAD.
func onlyRead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// keysHandler publishes the public keys of the tokens that Halley signs.
func keysHandler(ring *auth.Keyring) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "application/jwk-set+json")
		header.Set("Cache-Control", "public, max-age=300")
		header.Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(ring.JWKS())
	})
}

// edgeConfig is what stands in front of the handler.
func (c serveCommand) edgeConfig(
	cert certificate, url string, quick http1.Handler, logger *slog.Logger, registry *prometheus.Registry,
) edge.Config {
	return edge.Config{
		TLS:                 cert.tls,
		HTTPS:               strings.HasPrefix(url, "https://"),
		TrustedProxies:      c.TrustedProxies,
		MaxConnections:      connectionCap(c.MaxConnections),
		MaxConnectionsPerIP: c.MaxConnectionsPerIP,
		Timeouts:            edge.DefaultTimeouts(),
		Quick:               quick,
		Logger:              logger,
		Registerer:          registry,
	}
}
