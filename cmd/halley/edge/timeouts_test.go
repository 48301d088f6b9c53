package edge_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"halley/cmd/halley/edge"
)

const short = 150 * time.Millisecond

// closed waits until the peer has closed, and fails if that takes less than the timeout under test or never happens.
func closed(t *testing.T, connection net.Conn, since time.Time, atLeast time.Duration) {
	t.Helper()
	_, err := io.Copy(io.Discard, connection)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection stayed open")
	}
	if took := time.Since(since); took < atLeast {
		t.Errorf("closed after %v, want at least %v", took, atLeast)
	}
}

func TestSlowHeaderIsCut(t *testing.T) {
	t.Parallel()
	s := start(t, ok, func(c *edge.Config) { c.Timeouts.Header = short })
	for name, text := range map[string]string{
		"silence":       "",
		"half a line":   "GET / HT",
		"half a head":   "GET / HTTP/1.1\r\nHost: a\r\n",
		"a slow header": "GET / HTTP/1.1\r\nHost: a\r\nX: ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			connection := dial(t, s.address, "")
			say(t, connection, text)
			closed(t, connection, begin, short)
		})
	}
}

func TestSlowlorisCannotStayByDripping(t *testing.T) {
	t.Parallel()
	s := start(t, ok, func(c *edge.Config) { c.Timeouts.Header = short })
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n")
	ticker := time.NewTicker(short / 10)
	defer ticker.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-ticker.C {
		if _, err := connection.Write([]byte("X: y\r\n")); err != nil {
			return // cut off while it was still dripping
		}
	}
	t.Fatal("a client that drips headers stayed")
}

func TestSlowBodyEndsTheRead(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
		w.WriteHeader(http.StatusRequestTimeout)
	}), func(c *edge.Config) { c.Timeouts.Header, c.Timeouts.Read = short, short })
	connection := dial(t, s.address, "")
	say(t, connection, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the body's error is %v, want a deadline", err)
	}
	if got := answerOf(t, connection).StatusCode; got != http.StatusRequestTimeout {
		t.Errorf("status %d", got)
	}
}

func TestSlowReaderIsCut(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(chunk); err != nil {
				failed <- err
				return
			}
		}
	}), func(c *edge.Config) { c.Timeouts.Write = short })
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // and reads nothing
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v, want a deadline", err)
		}
	case <-time.After(patience):
		t.Fatal("a client that reads nothing held its handler")
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, ok, func(c *edge.Config) { c.Timeouts.Idle = short })
	begin := time.Now()
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	closed(t, connection, begin, short)
}

// An event stream moves its write deadline; the read timeout must not end it either.
func TestStreamOutlivesTimeouts(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		ticker := time.NewTicker(short)
		defer ticker.Stop()
		for range 6 {
			<-ticker.C
			_ = controller.SetWriteDeadline(time.Now().Add(patience))
			_, _ = w.Write([]byte("data: x\n\n"))
			if err := controller.Flush(); err != nil {
				ended <- err
				return
			}
		}
		ended <- r.Context().Err()
	}), func(c *edge.Config) { c.Timeouts.Header, c.Timeouts.Read, c.Timeouts.Write = short, short, short })
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	body, err := io.ReadAll(answerOf(t, connection).Body)
	if got := strings.Count(string(body), "data:"); got != 6 || err != nil {
		t.Errorf("%d events came, want 6; %v", got, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the request's context ended in mid-stream: %v", err)
	}
}

func TestHeadersHaveABound(t *testing.T) {
	t.Parallel()
	s := start(t, ok, nil)
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
	if got := answerOf(t, connection).StatusCode; got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", got)
	}
}
