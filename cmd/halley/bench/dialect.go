package bench

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
)

// Dialect is how a server is spoken to. What it returns is written as it is.
type Dialect interface {
	// Subscription is how to follow a channel. The credential is a token, or empty for what the server gives everybody.
	Subscription(transport Transport, channel, credential string) (Subscription, error)
	// AppendPublish appends a whole HTTP/1.1 request that publishes data, a JSON string, and that is answered with 2xx.
	AppendPublish(dst []byte, host, channel string, id, data []byte) []byte
	// Offset is the place of a message in its channel, and 0 where the server gives none. What it is given is the text of a WebSocket
	// message, or a whole event of a stream.
	Offset(message []byte) uint64
}

// Issuer is a dialect of a server that has tokens.
type Issuer interface {
	Token(ctx context.Context, address *url.URL, clientID string) (string, error)
}

// Subscription is what a subscriber says and hears until it follows its channel.
type Subscription struct {
	Path     string // of the request, with the query
	Header   string // further lines of the request, each with its line end
	Steps    []Step // in their order
	Farewell string // what to say before going; empty: nothing
}

// Step is something to say, or nothing, and something to hear next.
type Step struct {
	Say  string // a text message; empty: nothing
	Hear string // is in the message that is waited for
}

// Target is a server to measure.
type Target struct {
	URL     *url.URL // http or https; the path is not used
	Dialect Dialect
	PIDs    []int          // of its processes, to read what it costs; none: that is not measured
	Metrics string         // URL of its metrics in Prometheus' text form; empty: none
	Roots   *x509.CertPool // who signs its certificate; nil: whom the system trusts
}

// NewTarget reads the address. Other machines than this one are measured only if that is wanted.
func NewTarget(address string, remote bool, dialect Dialect) (*Target, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, fmt.Errorf("--url %q: want http://host or https://host", address)
	}
	if parsed.Port() == "" {
		parsed.Host = net.JoinHostPort(parsed.Hostname(), map[string]string{"http": "80", "https": "443"}[parsed.Scheme])
	}
	if !remote && !local(parsed.Hostname()) {
		return nil, fmt.Errorf("--url %q: not a loopback address; --remote allows it", address)
	}
	return &Target{URL: parsed, Dialect: dialect}, nil
}

// local reports whether a host is this machine by its loopback. Names other than localhost are not looked up.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
