package edge_test

import (
	"bytes"
	"net"
	"net/http"
	"testing"
	"time"
)

// What the kernel holds for a client that does not read is bounded: a server that writes to it soon learns that it is slow.
func TestKernelHoldsLittle(t *testing.T) {
	t.Parallel()
	taken := make(chan int, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Error(err)
		}
		total, chunk := 0, bytes.Repeat([]byte("x"), 16<<10)
		for {
			n, err := w.Write(chunk)
			total += n
			if err != nil {
				taken <- total
				return
			}
		}
	}), nil)
	client, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: halley\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	const want = 1 << 20 // both kernel buffers of this machine's loopback and those of net/http
	if got := <-taken; got > want {
		t.Errorf("%d bytes went to a client that does not read; want %d at most", got, want)
	}
}
