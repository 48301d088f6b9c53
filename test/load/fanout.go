package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

const fanoutChannel = "load-fanout"

// fanout publishes at a steady rate to one channel and measures, for each of its subscribers, the time from before the publish
// call until the message is read.
func fanout(o options) error {
	total := o.rate * o.seconds
	subscribers := make([]subscriber, o.subscribers)
	defer func() {
		for i := range subscribers {
			if subscribers[i].conn != nil {
				subscribers[i].conn.Close()
			}
		}
	}()
	for i := range subscribers {
		if err := subscribers[i].connect(o); err != nil {
			return fmt.Errorf("subscriber %d: %w", i, err)
		}
	}
	started := time.Now()
	var readers sync.WaitGroup
	for i := range subscribers {
		readers.Go(func() { subscribers[i].err = subscribers[i].follow(started, total) })
	}
	before := cpuSeconds(o.pid)
	if err := pace(o, started, total); err != nil {
		return err
	}
	readers.Wait()
	cpu := cpuSeconds(o.pid) - before

	var latencies []time.Duration
	for i := range subscribers {
		if subscribers[i].err != nil {
			return fmt.Errorf("subscriber %d: %w", i, subscribers[i].err)
		}
		latencies = append(latencies, subscribers[i].latencies...)
	}
	deliveries := len(latencies)
	fmt.Printf("deliveries %d  subscribers %d  %s\n", deliveries, o.subscribers, percentiles(latencies))
	if o.pid != 0 {
		fmt.Printf("server CPU per delivery %.1f us\n", cpu/float64(deliveries)*1e6)
	}
	return nil
}

// pace publishes total messages at the rate, each with its number and its time of sending.
func pace(o options, started time.Time, total int) error {
	conn, err := net.DialTimeout("tcp", o.address, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	ticks := time.NewTicker(time.Second / time.Duration(o.rate))
	defer ticks.Stop()
	padding := strings.Repeat("x", max(0, o.bytes-40))
	for number := 1; number <= total; number++ {
		<-ticks.C
		sent := time.Now()
		data := fmt.Sprintf(`"%d %d %s"`, number, sent.Sub(started).Nanoseconds(), padding)
		if err := exchange(conn, reader, request(o, fanoutChannel, data), sent); err != nil {
			return err
		}
	}
	return nil
}

// subscriber is one WebSocket that follows the channel.
type subscriber struct {
	conn      net.Conn
	reader    *bufio.Reader
	latencies []time.Duration
	err       error
}

// connect opens the WebSocket, subscribes, and returns when the server has said that it did.
func (s *subscriber) connect(o options) error {
	conn, err := net.DialTimeout("tcp", o.address, 5*time.Second)
	if err != nil {
		return err
	}
	s.conn, s.reader = conn, bufio.NewReaderSize(conn, 1<<10)
	fmt.Fprintf(conn, "GET /v1/ws?key=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", o.publicKey, o.address)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "\r\n" {
			break
		}
	}
	if _, err := s.frame(); err != nil { // connected
		return err
	}
	if _, err := conn.Write(maskedFrame(`{"op":"subscribe","ref":1,"channel":"` + fanoutChannel + `"}`)); err != nil {
		return err
	}
	reply, err := s.frame()
	if err == nil && !bytes.Contains(reply, []byte(`"op":"ok"`)) {
		err = fmt.Errorf("subscribe: %s", reply)
	}
	return err
}

// maskedFrame is a client's text frame with a mask of zeros.
func maskedFrame(text string) []byte {
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	return frame
}

// follow reads total messages and checks that each comes once and in its order.
func (s *subscriber) follow(started time.Time, total int) error {
	s.latencies = make([]time.Duration, 0, total)
	for expected := 1; expected <= total; {
		s.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		frame, err := s.frame()
		if err != nil {
			return fmt.Errorf("%d of %d messages: %w", expected-1, total, err)
		}
		_, data, found := bytes.Cut(frame, []byte(`"data":"`))
		if !found {
			continue // a ping
		}
		fields := bytes.Fields(data[:min(len(data), 48)])
		number, _ := strconv.Atoi(string(fields[0]))
		nanoseconds, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		if number != expected {
			return fmt.Errorf("message %d came where %d was due", number, expected)
		}
		s.latencies = append(s.latencies, time.Since(started)-time.Duration(nanoseconds))
		expected++
	}
	return nil
}

// frame reads one unmasked frame of the server.
func (s *subscriber) frame() ([]byte, error) {
	var header [8]byte
	if _, err := io.ReadFull(s.reader, header[:2]); err != nil {
		return nil, err
	}
	length := int(header[1] & 0x7f)
	if length == 126 {
		if _, err := io.ReadFull(s.reader, header[:2]); err != nil {
			return nil, err
		}
		length = int(binary.BigEndian.Uint16(header[:2]))
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(s.reader, payload)
	return payload, err
}
