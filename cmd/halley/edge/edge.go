// Package edge stands between the public sockets and the handlers: it accepts and counts connections, bounds how long a client
// may take, ends TLS, finds out who the client is, gives each request an id, and answers for a handler that panics.
//
// It knows nothing of paths, keys or channels: what a request means is said by the handler behind it. Handlers that outlast the
// write timeout (event streams, long polls) move their own deadlines by http.ResponseController; a hijacked connection is theirs.
//
// A client's way in: listener.go, then quick.go or request.go, then address.go. server.go puts them together.
package edge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/http1"
)

// Config is what an edge is made of. Logger and Registerer are required.
type Config struct {
	TLS                 *tls.Config    // nil: plain HTTP/1.1; else HTTPS with HTTP/2 and HTTP/1.1
	HTTPS               bool           // browsers reach us by https, from here or from a proxy: tell them to stay there
	TrustedProxies      []netip.Prefix // peers whose X-Forwarded-For is believed
	MaxConnections      int            // open at one time; 0: as many as the system gives
	MaxConnectionsPerIP int            // of one client address (IPv6: of one /64); 0: no bound
	Timeouts            Timeouts
	Quick               http1.Handler // answers some requests before the handler; nil: none
	Logger              *slog.Logger
	Registerer          prometheus.Registerer
}

// Timeouts bound how long a client may take.
type Timeouts struct {
	Header time.Duration // from the first byte of a request, or from the end of the handshake, to the end of its headers
	Read   time.Duration // from there to the end of the body
	Write  time.Duration // from the end of the headers to the end of the answer, unless the handler moves it
	Idle   time.Duration // between two requests
}

// DefaultTimeouts are those that a slow but honest client on a bad line still keeps.
func DefaultTimeouts() Timeouts {
	return Timeouts{Header: 5 * time.Second, Read: 15 * time.Second, Write: 30 * time.Second, Idle: 75 * time.Second}
}

// maxHeaderBytes holds a token of 8 KiB in the URL or in a header, and what browsers and proxies add.
const maxHeaderBytes = 16 << 10

// maxStreams is how many requests one HTTP/2 connection may have open.
const maxStreams = 128

// Validate reports the first value that cannot be.
func (c Config) Validate() error {
	switch {
	case c.Logger == nil || c.Registerer == nil:
		return errors.New("edge: a logger and a registerer are needed")
	case c.MaxConnections < 0 || c.MaxConnectionsPerIP < 0:
		return errors.New("edge: a cap on connections must not be negative")
	case c.Timeouts.Header <= 0 || c.Timeouts.Read <= 0 || c.Timeouts.Write <= 0 || c.Timeouts.Idle <= 0:
		return fmt.Errorf("edge: every timeout must be positive: %+v", c.Timeouts)
	}
	return nil
}
