package edge_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Two servers in a row that disagree on where a request ends let one client speak in another's name. Each row is what a front
// proxy might pass on; the marker request behind it must never be taken for a request of its own unless the framing says so.
func TestRequestSmuggling(t *testing.T) {
	t.Parallel()
	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	tests := []struct {
		name   string
		raw    string
		status int  // of the first answer
		hidden bool // the framing makes what follows a request of its own
	}{
		{"two lengths that differ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc" + hidden, 400, false},
		{"two lengths in one header", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabc" + hidden, 400, false},
		{"a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc" + hidden, 400, false},
		{"a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" + hidden, 400, false},
		{"a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc" + hidden, 400, false},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc" + hidden, 400, false},
		{"a folded header at the start", "POST / HTTP/1.1\r\n Host: a\r\nContent-Length: 3\r\n\r\nabc" + hidden, 400, false},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden, 400, false},
		{"no host", "GET / HTTP/1.1\r\n\r\n" + hidden, 400, false},
		{"a line end in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n" + hidden, 400, false},
		{"a null in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n" + hidden, 400, false},
		{"an unknown transfer coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, 501, false},
		{"two transfer codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden, 501, false},
		{"a transfer coding twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 501, false},
		{"a bare line feed in a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n" + hidden, 418, false},
		{"a chunk that is too long", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + hidden, 418, false},
		{"a chunk of no length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n" + hidden, 418, false},
		{"an absurd chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc", 418, false},
		// net/http drops the length, as RFC 9112 6.3 allows, and the chunks hold. A front proxy that goes by the length would disagree:
		// this is why --trusted-proxies demands one that normalises requests.
		{"chunks and a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 200, true},
		{"an honest length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + hidden, 200, true},
		{"honest chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + hidden, 200, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Bool
			s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/hidden") {
					reached.Store(true)
				}
				if _, err := io.ReadAll(r.Body); err != nil {
					w.Header().Set("Connection", "close")
					w.WriteHeader(http.StatusTeapot)
				}
			}), nil)
			connection := dial(t, s.address, "")
			say(t, connection, test.raw)
			if err := connection.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(connection)
			first, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			first.Body.Close()
			if first.StatusCode != test.status {
				t.Errorf("status %d, want %d", first.StatusCode, test.status)
			}
			if _, err := io.Copy(io.Discard, reader); err != nil && !errors.Is(err, io.EOF) {
				t.Logf("rest: %v", err) // a reset is as good as an end
			}
			if reached.Load() != test.hidden {
				t.Errorf("the request behind was taken: %v, want %v", reached.Load(), test.hidden)
			}
		})
	}
}
