package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// publish keeps every connection busy with one publication after another, and counts those that were acknowledged.
func publish(o options) error {
	before, start := cpuSeconds(o.pid), time.Now()
	deadline := start.Add(time.Duration(o.seconds) * time.Second)
	results := make([]publisher, o.connections)
	var workers sync.WaitGroup
	for i := range results {
		results[i].number = i
		workers.Go(func() { results[i].err = results[i].run(o, deadline) })
	}
	workers.Wait()
	elapsed, cpu := time.Since(start), cpuSeconds(o.pid)-before

	var latencies []time.Duration
	for i := range results {
		if results[i].err != nil {
			return results[i].err
		}
		latencies = append(latencies, results[i].latencies...)
	}
	count := float64(len(latencies))
	fmt.Printf("publications %.0f  per second %.0f  %s\n", count, count/elapsed.Seconds(), percentiles(latencies))
	if o.pid != 0 {
		fmt.Printf("server CPU per publication %.1f us\n", cpu/count*1e6)
	}
	return nil
}

// publisher is one keep-alive connection.
type publisher struct {
	number    int
	latencies []time.Duration
	err       error
}

func (p *publisher) run(o options, deadline time.Time) error {
	conn, err := net.DialTimeout("tcp", o.address, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	requests := make([][]byte, o.channels)
	for i := range requests {
		requests[i] = request(o, fmt.Sprintf("load-%d", i), dataOf(o.bytes))
	}
	for i := p.number; ; i++ {
		sent := time.Now()
		if sent.After(deadline) {
			return nil
		}
		if err := exchange(conn, reader, requests[i%len(requests)], sent); err != nil {
			return err
		}
		p.latencies = append(p.latencies, time.Since(sent))
	}
}

// request is one whole publish request.
func request(o options, channel, data string) []byte {
	body := `{"data":` + data + `}`
	return fmt.Appendf(nil, "POST /v1/channels/%s/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", channel, o.address, o.secretKey, len(body), body)
}

// dataOf is a JSON string of so many bytes.
func dataOf(size int) string { return `"` + strings.Repeat("x", max(0, size-2)) + `"` }

// exchange sends a request and reads its answer, which must be a 201.
func exchange(conn net.Conn, reader *bufio.Reader, request []byte, now time.Time) error {
	if err := conn.SetDeadline(now.Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	status, err := reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	created := bytes.HasPrefix(status, []byte("HTTP/1.1 201"))
	length := 0
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			fmt.Sscan(string(value), &length)
		}
	}
	if created {
		_, err = reader.Discard(length)
		return err
	}
	text, _ := io.ReadAll(io.LimitReader(reader, int64(length)))
	return fmt.Errorf("the answer is not %d: %s", http.StatusCreated, text)
}
