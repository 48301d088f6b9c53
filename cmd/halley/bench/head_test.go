package bench

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestParseHead(t *testing.T) {
	t.Parallel()
	const text = "HTTP/1.1 201 Created\r\nCache-Control: no-store\r\ncontent-LENGTH:  70 \r\nTransfer-Encoding: chunked\r\nSec-WebSocket-Accept: abc\r\n\r\nbody"
	h, length, err := parseHead([]byte(text))
	if err != nil || length != len(text)-len("body") || h.status != 201 || h.length != 70 || !h.chunked || string(h.accept) != "abc" {
		t.Errorf("%+v, %d, %v", h, length, err)
	}
	if _, length, err := parseHead([]byte(text[:60])); length != 0 || err != nil {
		t.Errorf("a part of it: %d, %v", length, err)
	}
	if h, _, err := parseHead([]byte("HTTP/1.1 101\r\n\r\n")); err != nil || h.status != 101 || h.length != -1 {
		t.Errorf("the shortest: %+v, %v", h, err)
	}
	for _, bad := range []string{
		"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n", strings.Repeat("x", maxHead+1),
	} {
		if h, length, err := parseHead([]byte(bad)); err == nil {
			t.Errorf("%.60q is taken for %+v, %d", bad, h, length)
		}
	}
}

// What both this and the standard library understand says the same.
func FuzzParseHead(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", "HTTP/1.1 429\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, length, err := parseHead(data)
		if err != nil || length == 0 {
			return
		}
		if length > len(data) {
			t.Fatalf("a head of %d bytes in %d", length, len(data))
		}
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
		if err != nil {
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode != h.status {
			t.Errorf("%q: status %d, the standard library says %d", data, h.status, answer.StatusCode)
		}
		bodiless := h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified
		if !h.chunked && !bodiless && int64(h.length) != answer.ContentLength {
			t.Errorf("%q: length %d, the standard library says %d", data, h.length, answer.ContentLength)
		}
	})
}
