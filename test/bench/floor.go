package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// floorArgument makes this program the floor in Go: "floor WORKERS PORT".
const floorArgument = "floor"

// goFloor is floor/floor.c in Go: for each message one write a subscriber, of bytes that are encoded once. It hands the socket's number to
// the kernel by itself, as Halley's fan-out does.
type goFloor struct {
	workers int

	mu       sync.Mutex
	channels map[string][]follower // by name; they end with the process
}

// follower is a subscriber.
type follower struct {
	conn net.Conn // keeps the descriptor open
	fd   int
}

// serveFloor serves until it is killed.
func serveFloor(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: bench floor WORKERS PORT")
	}
	workers, err := atoi(arguments[0], 64)
	if err != nil {
		return err
	}
	port, err := atoi(arguments[1], 1<<16-1)
	if err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return err
	}
	return (&goFloor{workers: workers, channels: make(map[string][]follower)}).serve(listener)
}

// serve takes connections until the listener is closed, and waits for those that publish.
func (f *goFloor) serve(listener net.Listener) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		serving.Go(func() {
			if f.handle(conn) != nil {
				_ = conn.Close()
			}
		})
	}
}

// idlePatience is how long a publisher may be silent.
const idlePatience = 10 * time.Minute

// handle serves requests until one subscribes: the connection then has no goroutine any more.
func (f *goFloor) handle(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	for {
		if err := conn.SetDeadline(time.Now().Add(idlePatience)); err != nil {
			return err
		}
		request, err := http.ReadRequest(reader)
		if err != nil {
			return err
		}
		if request.Method == http.MethodGet {
			return f.subscribe(conn, request.URL.Path)
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return err
		}
		f.publish(request.URL.Path, body)
		if _, err := io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return err
		}
	}
}

// subscribe answers, to a key that is always the same, and adds the connection to a channel.
func (f *goFloor) subscribe(conn net.Conn, channel string) error {
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var one follower
	if err := raw.Control(func(fd uintptr) { one = follower{conn, int(fd)} }); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n")
	if err == nil {
		channel = strings.Clone(channel) // or the whole request would stay
		f.channels[channel] = append(f.channels[channel], one)
	}
	return err
}

// publish writes to all subscribers, each worker to its part of them.
func (f *goFloor) publish(channel string, body []byte) {
	frame := serverFrame(body)
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.channels[channel]
	var writing sync.WaitGroup
	defer writing.Wait()
	for part := range slices.Chunk(all, max(1, (len(all)+f.workers-1)/f.workers)) {
		if f.workers == 1 {
			writeAll(part, frame)
			continue
		}
		writing.Go(func() { writeAll(part, frame) })
	}
}

// writeAll writes one frame to each. A subscriber that does not take it misses it: the generator will say so.
func writeAll(followers []follower, frame []byte) {
	for i := range followers {
		_, _ = syscall.Write(followers[i].fd, frame)
	}
}

// serverFrame is a text message: RFC 6455, section 5.2.
func serverFrame(body []byte) []byte {
	const text = 0x81
	switch {
	case len(body) < 126:
		return append([]byte{text, byte(len(body))}, body...)
	case len(body) < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{text, 126}, uint16(len(body))), body...)
	}
	return append(binary.BigEndian.AppendUint64([]byte{text, 127}, uint64(len(body))), body...)
}
