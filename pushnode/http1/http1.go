// Package http1 answers the simplest and most frequent requests of HTTP/1.1 without net/http: a POST with a body of known length
// and none but plain headers, to a target that its handler wants, and a GET that asks for a WebSocket. It reads a connection request
// by request; the first one that it does not understand completely, to the last byte, ends its work there: the connection goes over to
// net/http with everything that was read and not answered in front, and stays there.
//
// It knows nothing of paths, keys and channels, answers nothing that its handler did not answer, and refuses nothing by itself:
// what is wrong with a request is net/http's to say. Whatever it answers, net/http would have answered with the same bytes, but for
// the date.
//
// Start reading at connection.go, then head.go. DESIGN.md says why.
package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Handler answers requests. Its methods are called by many goroutines.
type Handler interface {
	// Wants reports whether requests to a target may be for this handler. It must not keep the target.
	Wants(target []byte) bool
	// Answer answers a request. false: it has done nothing, and net/http is to have the request. It must keep nothing of the request
	// but its texts, and neither of the two.
	// ctx ends where requests are cut.
	Answer(ctx context.Context, r *Request, a *Answer) bool
}

// Config is what a front is made of. All but Upgrade, TLS and Skips are required.
type Config struct {
	Handler Handler
	Upgrade http.Handler        // has requests that ask for a WebSocket, most of which it takes over by http.Hijacker; nil: net/http has them
	TLS     *tls.Config         // nil: plain
	Skips   func(net.Conn) bool // which connections go to net/http unread; nil: none
	Header  time.Duration       // how long the first request of a connection, and a handshake, may be awaited
	Write   time.Duration       // how long a client may take to accept an answer
	Idle    time.Duration       // how long the next request may be awaited
}

// Validate reports the first value that cannot be.
func (c Config) Validate() error {
	switch {
	case c.Handler == nil:
		return errors.New("http1: a handler is needed")
	case c.Header <= 0 || c.Write <= 0 || c.Idle <= 0:
		return errors.New("http1: every timeout must be positive")
	}
	return nil
}

// The rest of a request that has begun is awaited for a part of Config.Header; then net/http waits on, by its own times.
const patiencePart = 5

const (
	// ownBytes is what a connection always has to read into, also while it waits: a publication with its head fits.
	ownBytes = 2 << 10
	// maxHead bounds a head; a longer one is for net/http to judge. It has room for a token of some kilobytes.
	maxHead = 8 << 10
	// maxBody bounds a body. Beyond it the cost of net/http is small beside that of the bytes.
	maxBody = 80 << 10
)

// Request is a request that was understood. Target and Body are valid until it is answered, the texts for ever.
type Request struct {
	Now           time.Time // when it was there
	Remote        net.Addr  // whose connection it is
	Target        []byte    // a path, and perhaps a query, of letters, digits and -_=@,.;:/~?& alone
	Authorization string    // the value of that header, or ""
	Again         bool      // Authorization is that of the request before on the connection
	ContentType   []byte    // the same of that
	RequestID     []byte    // the same of X-Request-Id
	Body          []byte    // at least one byte
	Kept          *any      // what the handler keeps for the next request of the connection; nil at first
}
