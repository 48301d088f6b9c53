package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/pushnode/http1"
)

// short is a timeout that a test waits for.
const short = 100 * time.Millisecond

// blocking holds every request until it may go on, or until requests are cut.
type blocking struct {
	echo
	begun, goOn chan struct{}
}

func newBlocking() blocking {
	return blocking{begun: make(chan struct{}, 1), goOn: make(chan struct{})}
}

func (b blocking) Answer(ctx context.Context, r *http1.Request, a *http1.Answer) bool {
	b.begun <- struct{}{}
	select {
	case <-b.goOn:
	case <-ctx.Done():
	}
	return b.echo.Answer(ctx, r, a)
}

// validConfig is that of a loop that answers as echo does, with all the time that anybody needs.
func validConfig() http1.Config {
	return http1.Config{Handler: echo{}, Header: patience, Write: patience, Idle: patience}
}

// listen begins to serve without net/http.
func listen(t *testing.T, handler http1.Handler) (*http1.Server, string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := validConfig()
	config.Handler = handler
	s, err := http1.Listen(inner, config)
	if err != nil {
		t.Fatal(err)
	}
	return s, inner.Addr().String()
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// reply reads one answer.
func reply(t *testing.T, reader *bufio.Reader) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response
}

// ends waits for the end of a connection that nothing more may come on.
func ends(t *testing.T, reader io.Reader) {
	t.Helper()
	rest, err := io.ReadAll(reader)
	if len(rest) > 0 || err != nil {
		t.Errorf("got %q, %v, want the end of the connection", rest, err)
	}
}

func TestCloseLetsRequestsEndThatHaveBegun(t *testing.T) {
	t.Parallel()
	handler := newBlocking()
	s, address := listen(t, handler)
	idle, fresh, busy := dial(t, address), dial(t, address), dial(t, address)
	idleReader, busyReader := bufio.NewReader(idle), bufio.NewReader(busy)
	write(t, idle, quickRequest("abc"))
	<-handler.begun
	handler.goOn <- struct{}{}
	reply(t, idleReader)
	write(t, busy, quickRequest("abc")+quickRequest("abc"))
	<-handler.begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	ends(t, idleReader)
	ends(t, fresh)
	if _, err := s.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	handler.goOn <- struct{}{}
	if response := reply(t, busyReader); !response.Close {
		t.Error("the last answer does not say that the connection ends")
	}
	if _, err := busyReader.ReadByte(); err == nil {
		t.Error("a request that had not begun was answered")
	}
	if err := s.Wait(patience); err != nil {
		t.Error(err)
	}
}

func TestWaitCutsRequestsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	handler := newBlocking()
	s, address := listen(t, handler)
	conn := dial(t, address)
	defer conn.Close()
	write(t, conn, quickRequest("abc"))
	<-handler.begun
	_ = s.Close()
	if err := s.Wait(short); !errors.Is(err, http1.ErrCut) {
		t.Errorf("Wait: %v, want ErrCut", err)
	}
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	address := server(t, echo{}, true, func(c *http1.Config) { c.Header, c.Idle = short, short })
	for name, first := range map[string]string{"from the beginning": "", "after an answer": quickRequest("abc")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			conn := dial(t, address)
			defer conn.Close()
			reader := bufio.NewReader(conn)
			if first != "" {
				write(t, conn, first)
				reply(t, reader)
			}
			ends(t, reader)
			if took := time.Since(begin); took < short {
				t.Errorf("closed after %v, want at least %v", took, short)
			}
		})
	}
}

// A client whose request comes in parts is net/http's when the rest does not come soon: it waits on, by its own times.
func TestSlowRequestsGoOverToNetHTTP(t *testing.T) {
	t.Parallel()
	whole := quickRequest("abcdef")
	for name, cut := range map[string]int{"in the line": 8, "in the head": 40, "before the body": len(whole) - 6, "in the body": len(whole) - 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := make(chan struct{}, 1)
			address := serverWithState(t, short, func(http.ConnState) {
				select {
				case taken <- struct{}{}:
				default:
				}
			})
			conn := dial(t, address)
			defer conn.Close()
			write(t, conn, whole[:cut])
			<-taken
			write(t, conn, whole[cut:]+quickRequest("abc"))
			reader := bufio.NewReader(conn)
			for range 2 {
				if response := reply(t, reader); response.Header.Get("X-Second") != "2" {
					t.Errorf("the answer is %v", response)
				}
			}
		})
	}
}

// serverWithState serves echo behind a loop that is short of patience, and tells of what net/http does.
func serverWithState(t *testing.T, header time.Duration, state func(http.ConnState)) (address string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := validConfig()
	config.Header = header
	loop, err := http1.Listen(inner, config)
	if err != nil {
		t.Fatal(err)
	}
	behind := &http.Server{
		Handler: echo{}, ConnState: func(_ net.Conn, s http.ConnState) { state(s) }, ErrorLog: log.New(io.Discard, "", 0),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = behind.Serve(loop) })
	t.Cleanup(func() {
		_ = behind.Close()
		serving.Wait()
		if err := loop.Wait(patience); err != nil {
			t.Error(err)
		}
	})
	return inner.Addr().String()
}

func TestSkippedConnectionsAreNotRead(t *testing.T) {
	t.Parallel()
	address := server(t, echo{answered: func() { t.Error("the loop answered") }}, true, func(c *http1.Config) {
		c.Skips = func(net.Conn) bool { return true }
	})
	if got := said(t, address, []byte(quickRequest("abc"))); !strings.Contains(got, "201 Created") {
		t.Errorf("the answer is %q", got)
	}
}

// failing is a listener that cannot accept.
type failing struct {
	net.Listener
	err error
}

func (f failing) Accept() (net.Conn, error) { return nil, f.err }

func TestErrorsOfTheListenerArePassedOn(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	s, err := http1.Listen(failing{inner, broken}, validConfig())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Accept(); !errors.Is(err, broken) {
			t.Errorf("Accept: %v, want the listener's error", err)
		}
	}
	_ = s.Close()
	if err := s.Wait(patience); err != nil {
		t.Error(err)
	}
}

func TestListenValidates(t *testing.T) {
	t.Parallel()
	good := validConfig()
	for name, spoil := range map[string]func(*http1.Config){
		"handler": func(c *http1.Config) { c.Handler = nil },
		"header":  func(c *http1.Config) { c.Header = 0 },
		"write":   func(c *http1.Config) { c.Write = 0 },
		"idle":    func(c *http1.Config) { c.Idle = -1 },
	} {
		config := good
		spoil(&config)
		if config.Validate() == nil {
			t.Errorf("a configuration with a bad %s is valid", name)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
