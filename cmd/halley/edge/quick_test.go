package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"halley/cmd/halley/edge"
	"halley/pushnode/http1"
)

// quickly answers a POST of /quick, with a query or without, on both ways, and counts what comes on the quick one.
type quickly struct{ answered atomic.Int64 }

func (*quickly) Wants(target []byte) bool {
	return string(target) == "/quick" || bytes.HasPrefix(target, []byte("/quick?"))
}

func (q *quickly) Answer(_ context.Context, r *http1.Request, a *http1.Answer) bool {
	if bytes.HasPrefix(r.Body, []byte("panic")) {
		panic("the handler broke")
	}
	q.answered.Add(1)
	a.Set("Content-Type", "text/plain")
	a.Say(http.StatusCreated, append(a.Room(), r.Body...))
	return true
}

func (*quickly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch body, err := io.ReadAll(r.Body); {
	case err != nil:
		panic(http.ErrAbortHandler)
	case bytes.HasPrefix(body, []byte("panic")):
		panic("the handler broke")
	case r.Method == http.MethodGet:
		echo(w, r)
	default:
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}
}

func quickRequest(body, fields string) string {
	return fmt.Sprintf("POST /quick HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(body), body)
}

// passing is what differs between two answers that say the same.
var passing = regexp.MustCompile(`Date: [^\r]*|req_[0-9a-z]{26}`)

// answers sends text on a connection, ends its side and returns all that comes back, but for what passes.
func answers(t *testing.T, address, text string) string {
	t.Helper()
	connection := dial(t, address, "")
	say(t, connection, text)
	_ = connection.CloseWrite()
	all, _ := io.ReadAll(connection)
	return passing.ReplaceAllString(string(all), "-")
}

// The rules of the edge hold for requests that the quick loop reads as for those that net/http reads.
func TestQuickRequestsHaveTheSameRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text  string
		https bool
	}{
		"an id of ours":         {quickRequest("a", ""), false},
		"an id of the client's": {quickRequest("a", "X-Request-Id: r-1\r\n"), false},
		"an id that is none":    {quickRequest("a", "X-Request-Id: r 1\r\n"), false},
		"too long an id":        {quickRequest("a", "X-Request-Id: "+strings.Repeat("r", 65)+"\r\n"), false},
		"a query":               {strings.Replace(quickRequest("a", ""), "/quick", "/quick?sig=hush", 1), false},
		"a query, a panic":      {strings.Replace(quickRequest("panic", ""), "/quick", "/quick?sig=hush", 1) + quickRequest("a", ""), false},
		"reached by https":      {quickRequest("a", ""), true},
		"a panic":               {quickRequest("panic", "") + quickRequest("a", ""), false},
		"pipelined":             {quickRequest("a", "") + quickRequest("b", "") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + quickRequest("c", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := new(quickly)
			plain := start(t, handler, func(c *edge.Config) { c.HTTPS = test.https })
			quick := start(t, handler, func(c *edge.Config) { c.HTTPS, c.Quick = test.https, handler })
			got, want := answers(t, quick.address, test.text), answers(t, plain.address, test.text)
			if got != want || !strings.Contains(want, "201 Created") {
				t.Errorf("the answers are\n%s\nand net/http's\n%s", got, want)
			}
			if handler.answered.Load() == 0 {
				t.Error("the loop answered nothing")
			}
			for _, metric := range []string{"halley_edge_requests_total", "halley_edge_panics_total"} {
				if got, want := quick.metric(t, metric), plain.metric(t, metric); got != want {
					t.Errorf("%s is %v, want %v", metric, got, want)
				}
			}
			if strings.Contains(quick.log.String()+plain.log.String(), "hush") {
				t.Errorf("the log shows a query: %s", quick.log.String())
			}
			if log := quick.log.String(); strings.Count(log, "path=/quick") != strings.Count(plain.log.String(), "path=/quick") {
				t.Errorf("the log is %s", log)
			}
		})
	}
}

// Whatever follows a request of the quick loop on its connection works as ever, up to a WebSocket.
func TestConnectionsGoOnBehindTheQuickLoop(t *testing.T) {
	t.Parallel()
	certificate := newCertificate(t, "localhost")
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			t.Parallel()
			handler := new(quickly)
			s := start(t, handler, func(c *edge.Config) {
				c.Quick = handler
				if secure {
					c.TLS = edge.ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.pair, nil })
				}
			})
			conn := net.Conn(dial(t, s.address, ""))
			if secure {
				conn = tls.Client(conn, &tls.Config{RootCAs: certificate.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
			}
			reader := bufio.NewReader(conn)
			for i, request := range []string{
				quickRequest("a", ""), quickRequest("b", ""), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", quickRequest("c", ""),
			} {
				say(t, conn, request)
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatalf("request %d: %v", i, err)
				}
				body, err := io.ReadAll(response.Body)
				if err != nil || string(body) != []string{"a", "b", "HTTP/1.1", "c"}[i] {
					t.Errorf("request %d: %q, %v", i, body, err)
				}
			}
			if got := handler.answered.Load(); got != 2 {
				t.Errorf("the loop answered %d, want 2", got)
			}
			client := &http.Client{Transport: &http.Transport{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
			}}
			socket, _, err := websocket.Dial(t.Context(), "ws://localhost/", &websocket.DialOptions{HTTPClient: client})
			if err != nil {
				t.Fatal(err)
			}
			defer socket.CloseNow()
			if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, text, err := socket.Read(t.Context()); err != nil || string(text) != "hello" {
				t.Errorf("heard %q, %v", text, err)
			}
		})
	}
}

// Who speaks HTTP/2 is net/http's from the first byte, and so are those who speak no TLS where that is wanted.
func TestTheQuickLoopLeavesOtherProtocolsAlone(t *testing.T) {
	t.Parallel()
	certificate := newCertificate(t, "localhost")
	handler := new(quickly)
	s := start(t, handler, func(c *edge.Config) {
		c.Quick = handler
		c.TLS = edge.ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.pair, nil })
	})
	response, err := certificate.client(t, s.address).Post("https://localhost/quick", "text/plain", strings.NewReader("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusCreated {
		t.Errorf("the answer is %s %s", response.Proto, response.Status)
	}
	if got := answers(t, s.address, quickRequest("a", "")); !strings.HasPrefix(got, "HTTP/1.0 400 Bad Request") {
		t.Errorf("without TLS the answer is %q", got)
	}
	if got := handler.answered.Load(); got != 0 {
		t.Errorf("the loop answered %d", got)
	}
}

// Requests of a trusted proxy count for the clients that it names, which net/http reads.
func TestTrustedProxiesAreNotQuick(t *testing.T) {
	t.Parallel()
	handler := new(quickly)
	s := start(t, handler, func(c *edge.Config) {
		c.Quick, c.TrustedProxies = handler, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	if got := answers(t, s.address, quickRequest("a", "X-Forwarded-For: 192.0.2.1\r\n")); !strings.HasPrefix(got, "HTTP/1.1 201") {
		t.Errorf("the answer is %q", got)
	}
	if got := handler.answered.Load(); got != 0 {
		t.Errorf("the loop answered %d", got)
	}
}
