package test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// passage says what a proxy does with one kind of request.
type passage int

const (
	passes    passage = iota
	refuses           // 403, which is not Halley's
	swallows          // the client hears nothing
	withholds         // the server is asked, and its answer is kept until it ends, as some proxies do with what they want to scan
	deludes           // 200 and a page to log in at, as the networks of hotels do
	postpones         // 503 for a month, which is not Halley's
)

// proxy stands between a browser and a node, and treats them as badly as networks do. It also serves the page that the browser
// is on, so that it can be of the same origin as the node. It ends with its test.
type proxy struct {
	url      string // http://127.0.0.1:…
	server   *http.Server
	upstream *http.Transport
	handlers sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	conns  map[*proxiedConn]struct{}
	ways   map[string]passage // by path
	gate   chan struct{}      // nil: every byte moves
	closed bool               // for new connections
	counts map[string]int     // requests by path
	goals  []*url.URL         // that requests go to, in turn
}

func startProxy(tb testing.TB, target string) *proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{
		url: "http://" + listener.Addr().String(), upstream: &http.Transport{DisableCompression: true, DialContext: dialNarrow},
		conns: make(map[*proxiedConn]struct{}), ways: make(map[string]passage), counts: make(map[string]int),
	}
	p.lead(tb, target)
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(p.goal()) },
		Transport:     p.upstream,
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	mux := http.NewServeMux()
	servePage(mux)
	mux.Handle("/", p.meddle(forward))
	p.server = &http.Server{Handler: mux}
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.server.Serve(&proxyListener{Listener: listener, proxy: p}) })
	tb.Cleanup(func() {
		p.stall(false)
		_ = p.server.Close()
		p.cut()
		serving.Wait()
		p.handlers.Wait()
		p.upstream.CloseIdleConnections()
	})
	return p
}

// dialNarrow connects to a node, which soon notices when the proxy takes nothing: little fits between them.
func dialNarrow(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetReadBuffer(64 << 10)
}

// lead has requests go to these nodes from now on, to each in turn.
func (p *proxy) lead(tb testing.TB, targets ...string) {
	tb.Helper()
	goals := make([]*url.URL, len(targets))
	for i, target := range targets {
		var err error
		if goals[i], err = url.Parse(target); err != nil {
			tb.Fatal(err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.goals = goals
}

// goal is where the next request goes.
func (p *proxy) goal() *url.URL {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.goals[0]
	p.goals = append(p.goals[1:len(p.goals):len(p.goals)], next)
	return next
}

// treat says what happens from now on to requests for a path.
func (p *proxy) treat(path string, how passage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ways[path] = how
}

// cut resets every connection of the browser.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.cut()
	}
}

// shut cuts what there is and resets every new connection, until it is called with false.
func (p *proxy) shut(closed bool) {
	p.mu.Lock()
	p.closed = closed
	p.mu.Unlock()
	if closed {
		p.cut()
	}
}

// stall keeps every byte from moving, and new connections from being heard, until it is called with false.
func (p *proxy) stall(stalled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stalled && p.gate == nil {
		p.gate = make(chan struct{})
	}
	if !stalled && p.gate != nil {
		close(p.gate)
		p.gate = nil
	}
}

// forget leaves the connections of the browser half open: nothing moves on them any more, and nobody is told.
func (p *proxy) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.forgotten = true
	}
}

// requests counts what came for a path.
func (p *proxy) requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[path]
}

// meddle does to requests what treat said. Preflights pass: what matters is what follows them.
func (p *proxy) meddle(forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		how := passes
		p.mu.Lock()
		if r.Method != http.MethodOptions {
			p.counts[r.URL.Path]++
			how = p.ways[r.URL.Path]
		}
		p.handlers.Add(1)
		p.mu.Unlock()
		defer p.handlers.Done()
		switch how {
		case passes:
			forward.ServeHTTP(w, r)
		case refuses:
			http.Error(w, "not through me", http.StatusForbidden)
		case swallows:
			_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the browser goes
			<-r.Context().Done()
		case withholds:
			forward.ServeHTTP(&withheld{header: make(http.Header)}, r)
		case deludes:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			_, _ = io.WriteString(w, "<!doctype html><title>Welcome</title>") // a browser that has gone does not mind
		case postpones:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
			w.Header().Set("Retry-After", "2592000")
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	})
}

// withheld takes an answer and shows it to nobody.
type withheld struct{ header http.Header }

func (w *withheld) Header() http.Header         { return w.header }
func (w *withheld) Write(p []byte) (int, error) { return len(p), nil }
func (w *withheld) WriteHeader(int)             {}
func (w *withheld) Flush()                      {}
