package http1_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"halley/pushnode/http1"
)

// switcher takes connections over for a protocol that says back what it hears, but for those that ask for none or are not wanted.
type switcher struct{ seen atomic.Int64 }

func (s *switcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.seen.Add(1)
	w.Header().Set("X-Asked", fmt.Sprint(r.Method, r.RequestURI, r.Host, r.URL.Query(), r.Header, r.ContentLength, r.RemoteAddr != "", r.TLS != nil))
	switch {
	case r.Header.Get("Upgrade") != "websocket", r.URL.Path == "/refused":
		w.WriteHeader(http.StatusUpgradeRequired)
		_, _ = io.WriteString(w, "no such protocol")
		return
	case r.URL.Path == "/panic":
		panic(http.ErrAbortHandler)
	case r.URL.Path == "/fault":
		panic("a fault")
	}
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffers, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	go func() {
		defer conn.Close()
		_, _ = io.Copy(conn, buffers)
	}()
}

const switching = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

// The loop answers whoever asks for another protocol as net/http does, and hands over what is not plain. What came behind the request is
// for the protocol.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text  string
		quick bool
	}{
		"plain":            {"GET /ws?key=a%20b&c=d HTTP/1.1\r\n" + switching + "Cookie: a=b; c=d\r\nOrigin: https://a.example\r\n\r\nhello", true},
		"nothing behind":   {"GET /ws HTTP/1.1\r\n" + switching + "\r\n", true},
		"refused":          {"GET /refused HTTP/1.1\r\n" + switching + "\r\n", true},
		"another protocol": {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false},
		"two protocols":    {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", false},
		"fault":            {"GET /fault HTTP/1.1\r\n" + switching + "\r\n", true},
		"panic":            {"GET /panic HTTP/1.1\r\n" + switching + "\r\n", true},
		"no upgrade":       {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
		"two hosts":        {"GET /ws HTTP/1.1\r\nHost: b\r\n" + switching + "\r\n", false},
		"two upgrades":     {"GET /ws HTTP/1.1\r\nUpgrade: other\r\n" + switching + "\r\n", false},
		"a body":           {"GET /ws HTTP/1.1\r\nContent-Length: 1\r\n" + switching + "\r\nx", false},
		"chunks":           {"GET /ws HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + switching + "\r\n0\r\n\r\n", false},
		"expects":          {"GET /ws HTTP/1.1\r\nExpect: 100-continue\r\n" + switching + "\r\n", false},
		"absolute":         {"GET http://b/ws HTTP/1.1\r\n" + switching + "\r\n", false},
		"bad escape":       {"GET /ws%zz HTTP/1.1\r\n" + switching + "\r\n", false},
		"older":            {"GET /ws HTTP/1.0\r\n" + switching + "\r\n", false},
		"folded":           {"GET /ws HTTP/1.1\r\nX-A: b\r\n c\r\n" + switching + "\r\n", false},
		"space in a name":  {"GET /ws HTTP/1.1\r\nX-A : b\r\n" + switching + "\r\n", false},
		"bare line feed":   {"GET /ws HTTP/1.1\nHost: a\r\n" + switching + "\r\n", false},
		"a control":        {"GET /ws HTTP/1.1\r\nX-A: b\x01\r\n" + switching + "\r\n", false},
		"not ASCII":        {"GET /ws HTTP/1.1\r\nX-A: \xc3\xa4\r\n" + switching + "\r\n", false},
		"cut":              {"GET /ws HTTP/1.1\r\n" + switching, false},
		"too long":         {"GET /ws HTTP/1.1\r\nX-A: " + strings.Repeat("a", http1.MaxHead) + "\r\n" + switching + "\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quick, slow := new(switcher), new(switcher)
			front := switchServer(t, slow, func(c *http1.Config) { c.Upgrade = quick })
			behind := switchServer(t, slow, nil)
			for _, parts := range []int{1, 7} { // in one write, and in several
				before := quick.seen.Load()
				got, want := switched(t, front, test.text, parts), switched(t, behind, test.text, 1)
				if got != want {
					t.Errorf("in %d parts it is answered\n%s\nnet/http answers\n%s", parts, got, want)
				}
				if was := quick.seen.Load() > before; was != test.quick {
					t.Errorf("in %d parts it is answered by the loop: %v, want %v", parts, was, test.quick)
				}
			}
		})
	}
}

// switchServer serves a switcher by net/http; change, if there is one, what stands before it.
func switchServer(t testing.TB, handler http.Handler, change func(*http1.Config)) (address string) {
	t.Helper()
	return serverOf(t, handler, echo{}, change != nil, change)
}

// switched sends a request and returns the answer, its head in an order of its own, without what tells two servers apart, and what came
// behind it.
func switched(t testing.TB, address, text string, parts int) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	for part := range slices.Chunk([]byte(text), len(text)/parts+1) {
		if _, err := conn.Write(part); err != nil {
			break // it may be refused before its end
		}
	}
	_ = conn.CloseWrite()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "nothing"
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	for _, name := range []string{"Date", "Connection", "Content-Length", "Content-Type"} {
		if name != "Connection" || response.StatusCode != http.StatusSwitchingProtocols {
			response.Header.Del(name)
		}
	}
	return fmt.Sprint(response.Status, response.Header, string(body))
}

// gone is a connection whose client is gone when it is answered.
type gone struct {
	net.Conn
	closed chan struct{}
}

func (g gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (g gone) Close() error {
	close(g.closed)
	return g.Conn.Close()
}

// goners is a listener of such connections.
type goners struct {
	net.Listener
	closed chan struct{}
}

func (g goners) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return gone{conn, g.closed}, nil
}

// A connection that was taken is closed where the answer cannot be sent: its handler has got an error in its place.
func TestUpgradeOfAClientThatIsGone(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed, closed := make(chan error, 1), make(chan struct{})
	config := validConfig()
	config.Upgrade = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusSwitchingProtocols)
		_, _, err := http.NewResponseController(w).Hijack()
		failed <- err
	})
	loop, err := http1.Listen(goners{listener, closed}, config)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, listener.Addr().String())
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /ws HTTP/1.1\r\n"+switching+"\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("the handler was given a connection")
	}
	_ = loop.Close()
	if err := loop.Wait(patience); err != nil {
		t.Error(err)
	}
	select {
	case <-closed:
	default:
		t.Error("the connection is open")
	}
}

// both are handshakes and all other requests, in one server.
type both struct {
	switcher
	echo
}

func (b *both) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		b.switcher.ServeHTTP(w, r)
	} else {
		b.echo.ServeHTTP(w, r)
	}
}

// FuzzUpgradeAgainstNetHTTP sends the same bytes to net/http with and without the loop before it, which has handshakes answered too. Whatever
// they are, the handler must have understood the first request in the same sense, and what is behind a handshake must come back.
func FuzzUpgradeAgainstNetHTTP(f *testing.F) {
	handler := new(both)
	plain := switchServer(f, handler, nil)
	loop := switchServer(f, handler, func(c *http1.Config) { c.Upgrade = handler })
	for _, head := range []string{
		switching + "\r\nhello", switching + "Sec-WebSocket-Key: a\r\n\r\n", "Host: b\r\n" + switching + "\r\n", switching + "Content-Length: 1\r\n\r\nx",
		switching + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", switching + "X-A: b\r\n c\r\n\r\n", switching + "Connection: close\r\n\r\n",
		"Host: [::1]:80\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", "Host: a\r\nUpgrade: h2c\r\n\r\n",
	} {
		f.Add([]byte("GET /ws?a=%2f&b HTTP/1.1\r\n" + head))
	}
	f.Add([]byte("GET //a/../b HTTP/1.1\r\n" + switching + "\r\n" + quickRequest("abc")))
	f.Add([]byte(quickRequest("abc")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := switched(t, loop, string(data), 1), switched(t, plain, string(data), 1); got != want {
			t.Errorf("the answers to %q are\n%s\nand net/http's\n%s", data, got, want)
		}
	})
}
