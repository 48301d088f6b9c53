package pushnode_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"halley/tenant"
)

// publishers is how many keep-alive connections a benchmark publishes over, as in the study of peers.
const publishers = 32

// BenchmarkPublishHTTP is one publication of 128 bytes over HTTP from a client that does nothing else: key, limits, history and
// dedupe, to one of 100 channels that nobody follows (alone), or each of which has one subscriber (delivered).
func BenchmarkPublishHTTP(b *testing.B) {
	b.Run("alone", func(b *testing.B) { benchmarkPublish(b, false) })
	b.Run("delivered", func(b *testing.B) { benchmarkPublish(b, true) })
}

func benchmarkPublish(b *testing.B, followed bool) {
	n := newNode(b)
	a := n.newApp(b, "bench", tenant.Overrides{
		tenant.LimitPublishesPerSecond: 1_000_000, tenant.LimitMessagesPerMonth: 1e12,
	})
	requests := make([]string, 100)
	for i := range requests {
		name := fmt.Sprintf("bench-%d", i)
		body := `{"data":"` + strings.Repeat("x", 126) + `"}`
		requests[i] = fmt.Sprintf("POST /v1/channels/%s/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", name, n.address, a.secret, len(body), body)
		if followed {
			n.swallow(b, "/v1/sse?channel="+name+"&key="+a.publishable)
		}
	}
	n.exchangeAll(b, requests)
}

// BenchmarkPusherEvent is the same by Pusher's API, to one channel that nobody follows, with one signature for all.
func BenchmarkPusherEvent(b *testing.B) {
	n := newNode(b)
	p := n.newApp(b, "bench", tenant.Overrides{
		tenant.LimitPublishesPerSecond: 1_000_000, tenant.LimitMessagesPerMonth: 1e12,
	}).pusher(b)
	requests := make([]string, 100)
	for i := range requests {
		body := fmt.Sprintf(`{"name":"e","channel":"bench-%d","data":"%s"}`, i, strings.Repeat("x", 126))
		path := p.path("/events")
		requests[i] = fmt.Sprintf("POST %s?%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, p.sign(http.MethodPost, path, "", body), n.address, len(body), body)
	}
	n.exchangeAll(b, requests)
}

// exchangeAll sends the requests in turn, over many connections at once.
func (n *node) exchangeAll(b *testing.B, requests []string) {
	b.ReportAllocs()
	b.SetParallelism(publishers / 2)
	var next atomic.Int64
	b.ResetTimer()
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", n.address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for at := int(next.Add(7)); pb.Next(); at++ {
			if err := exchange(conn, reader, requests[at%len(requests)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// processorTime is what this process has used, the client included. It says more than the time that passed where others use the machine.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// exchange sends a publication and reads its answer, with as little of its own as can be.
func exchange(conn net.Conn, reader *bufio.Reader, request string) error {
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	status, err := reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 20")) {
		return fmt.Errorf("the answer is %q", status)
	}
	for length := 0; ; {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := reader.Discard(length)
			return err
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			for _, digit := range value[:len(value)-2] {
				length = 10*length + int(digit-'0')
			}
		}
	}
}

// swallow follows a channel and reads whatever comes, until the benchmark is over.
func (n *node) swallow(b *testing.B, path string) {
	b.Helper()
	request := must(http.NewRequestWithContext(b.Context(), http.MethodGet, n.URL+path, nil))(b)
	response := must(n.client.Transport.(*checked).base.RoundTrip(request))(b)
	if response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s", path, response.Status)
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(io.Discard, response.Body) })
	b.Cleanup(func() {
		response.Body.Close()
		reading.Wait()
	})
}
