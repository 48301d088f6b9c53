package http1_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halley/pushnode/http1"
)

// patience is far more than anything here takes.
const patience = 20 * time.Second

// echo answers with all that it was asked, by way of net/http and of the loop, so that two answers are equal only where both have
// understood the request in the same sense.
type echo struct{ answered func() } // answered by the loop; nil: nobody counts

const wanted = "/quick/"

func (echo) Wants(target []byte) bool { return bytes.HasPrefix(target, []byte(wanted)) }

func (e echo) Answer(_ context.Context, r *http1.Request, a *http1.Answer) bool {
	if bytes.HasPrefix(r.Body, []byte("no")) {
		return false
	}
	if e.answered != nil {
		e.answered()
	}
	status, text := told("POST", string(r.Target), r.Authorization, string(r.ContentType), string(r.RequestID), r.Body)
	a.Set("X-Second", "2")
	a.Set("Content-Type", "text/plain")
	a.Set("Cache-Control", "no-store")
	if bytes.HasPrefix(r.Body, []byte("close")) {
		a.Set("Connection", "close")
	}
	a.Say(status, append(a.Room(), text...))
	return true
}

func (echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, text := told(r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("X-Request-Id"), body)
	header := w.Header()
	header.Set("Content-Type", "text/plain")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Second", "2")
	if bytes.HasPrefix(body, []byte("close")) {
		header.Set("Connection", "close")
	}
	header.Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func told(method, target, authorization, contentType, id string, body []byte) (status int, text string) {
	status = http.StatusCreated
	if len(body)%2 == 0 {
		status = http.StatusTooManyRequests
	}
	return status, fmt.Sprintf("%s %s %q %q %q %q", method, target, authorization, contentType, id, body)
}

// server serves echo; front says whether the loop stands before net/http.
func server(t testing.TB, handler echo, front bool, change func(*http1.Config)) (address string) {
	t.Helper()
	return serverOf(t, handler, handler, front, change)
}

// serverOf serves a handler by net/http, with another one for the loop before it.
func serverOf(t testing.TB, handler http.Handler, quick http1.Handler, front bool, change func(*http1.Config)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind := &http.Server{Handler: handler, MaxHeaderBytes: 16 << 10, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = behind.Close()
		serving.Wait()
	})
	if !front {
		serving.Go(func() { _ = behind.Serve(listener) })
		return listener.Addr().String()
	}
	config := validConfig()
	config.Handler = quick
	if change != nil {
		change(&config)
	}
	loop, err := http1.Listen(listener, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = loop.Close()
		if err := loop.Wait(patience); err != nil {
			t.Error(err)
		}
	})
	serving.Go(func() { _ = behind.Serve(loop) })
	return listener.Addr().String()
}

// said sends data, ends its side, and returns all that comes back, the dates left out.
func said(t testing.TB, address string, data []byte) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseWrite()
	answers, _ := io.ReadAll(conn) // a reset ends the answers too
	_ = conn.SetLinger(0)
	return date.ReplaceAllString(string(answers), "Date: now")
}

var date = regexp.MustCompile(`Date: [^\r]*`)

func dial(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// quickRequest is a request that the loop answers.
func quickRequest(body string) string {
	return fmt.Sprintf("POST /quick/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer b\r\nContent-Type: c/d\r\nX-Request-Id: e\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
}

// streams is what clients send over one connection, and how many requests of that the loop answers.
var streams = map[string]struct {
	text  string
	quick int64
}{
	"nothing":                {"", 0},
	"one":                    {quickRequest("abc"), 1},
	"a query":                {strings.Replace(quickRequest("abc"), " HTTP", "?a=b&c=1.0&&d?e HTTP", 1) + quickRequest("x"), 2},
	"an encoded query":       {quickRequest("abc") + strings.Replace(quickRequest("abc"), " HTTP", "?a=%61 HTTP", 1) + quickRequest("x"), 1},
	"pipelined":              {quickRequest("abc") + quickRequest("abcd") + quickRequest("x"), 3},
	"many":                   {strings.Repeat(quickRequest("abcde"), 200), 200},
	"large":                  {quickRequest(strings.Repeat("a", 5000)) + quickRequest(strings.Repeat("b", 70_000)) + quickRequest("c"), 3},
	"the largest":            {quickRequest(strings.Repeat("a", 80<<10)) + quickRequest("c"), 2},
	"too large":              {quickRequest("a") + quickRequest(strings.Repeat("a", 81<<10)) + quickRequest("c"), 1},
	"then another":           {quickRequest("abc") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + quickRequest("abc"), 1},
	"refused by the handler": {quickRequest("abc") + quickRequest("no") + quickRequest("abc"), 1},
	"closed by the handler":  {quickRequest("abc") + quickRequest("close") + quickRequest("abc"), 2},
	"cut in the head":        {quickRequest("abc") + "POST /quick/a HT", 1},
	"cut in the body":        {quickRequest("abc") + quickRequest("abc")[:90], 1},
	"one line end too many":  {quickRequest("abc") + "\r\n" + quickRequest("abc"), 2},
	"two line ends too many": {quickRequest("abc") + "\r\n\r\n" + quickRequest("abc"), 2},
	"three too many":         {quickRequest("abc") + "\r\n\r\n\r\n" + quickRequest("abc"), 1},
	"line ends at first":     {"\r\n" + quickRequest("abc"), 0},
	"line feeds":             {quickRequest("abc") + "\n\n\n\n" + quickRequest("abc"), 2},
	"one smuggled behind a length": {
		quickRequest("abc") + strings.Replace(quickRequest("abc"), "Content-Length: 3", "Content-Length: 3\r\nTransfer-Encoding: chunked", 1), 1,
	},
	"chunks": {
		"POST /quick/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + quickRequest("abc"), 0,
	},
	"expectations": {strings.Replace(quickRequest("abc"), "Host", "Expect: 100-continue\r\nHost", 1), 0},
	"another path": {strings.Replace(quickRequest("abc"), "quick", "slow", 1), 0},
	"no request":   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0},
}

func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	plain := server(t, echo{}, false, nil)
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var quick atomic.Int64
			loop := server(t, echo{answered: func() { quick.Add(1) }}, true, nil)
			got, want := said(t, loop, []byte(stream.text)), said(t, plain, []byte(stream.text))
			if got != want {
				t.Errorf("the answers are\n%s\nand net/http's\n%s", got, want)
			}
			if quick.Load() != stream.quick {
				t.Errorf("the loop answered %d, want %d", quick.Load(), stream.quick)
			}
		})
	}
}

// FuzzAgainstNetHTTP sends the same bytes to net/http with and without the loop before it. Whatever they are, the answers must be the same.
func FuzzAgainstNetHTTP(f *testing.F) {
	plain, loop := server(f, echo{}, false, nil), server(f, echo{}, true, nil)
	for _, stream := range streams {
		if len(stream.text) < 4<<10 {
			f.Add([]byte(stream.text))
		}
	}
	f.Add([]byte(line + fields + "\r\nabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := said(t, loop, data), said(t, plain, data); got != want {
			t.Errorf("the answers to %q are\n%s\nand net/http's\n%s", data, got, want)
		}
	})
}
