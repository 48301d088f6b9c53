package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/test/heap"
)

// BenchmarkMemory is what clients hold in the memory of their node: the table of DESIGN.md. They come over real sockets, on the way
// that they take in a node on Linux. The clients themselves hold a descriptor each, and the backend keeps nothing of them.
func BenchmarkMemory(b *testing.B) {
	rows := []struct {
		name  string
		bytes int
		hold  func(tb testing.TB) float64
	}{
		{"connection", 1335, func(tb testing.TB) float64 { return held(tb, many, webSocket("news")) }},
		{"subscription", 209, func(tb testing.TB) float64 { return heldByFurther(tb, webSocket(shared...)) }},
		{"channel", 518, func(tb testing.TB) float64 { return heldByFurther(tb, webSocketOfOwn) }},
		{"membership", 58, func(tb testing.TB) float64 {
			return (held(tb, many, webSocketOfMember) - held(tb, many, webSocket("news"))) / further
		}},
		{"parked session", 680, func(tb testing.TB) float64 { return heldParked(tb, many, webSocket("news")) }},
		{"pusher", 1576, func(tb testing.TB) float64 { return held(tb, many, pusherSocketOf("news")) }},
		{"stream", 1355, func(tb testing.TB) float64 { return held(tb, many, eventStream) }},
	}
	for _, row := range rows {
		b.Run(strings.ReplaceAll(row.name, " ", "-"), func(b *testing.B) {
			heap.Check(b, row.name, row.bytes, func() float64 { return row.hold(b) })
		})
	}
}

// many is how many clients are measured at a time.
const many = 2000

// further is how many channels a client follows beside the first, or is a member of, where that is what is measured.
const further = 10

// held is how many bytes each of n clients holds.
func held(tb testing.TB, n int, one client) float64 {
	tb.Helper()
	h := openHall(tb)
	defer h.close()
	before := heap.InUse()
	h.comeAll(n, one)
	return float64(heap.InUse()-before) / float64(n)
}

// heldByFurther is how many bytes each of the further channels holds that a client follows beside the first.
func heldByFurther(tb testing.TB, one client) float64 {
	tb.Helper()
	const n = many / further
	return (held(tb, n, one) - held(tb, n, webSocket("news"))) / further
}

// heldParked is how many bytes are held of each of n clients that are gone, and may come back.
func heldParked(tb testing.TB, n int, one client) float64 {
	tb.Helper()
	h := openHall(tb)
	defer h.close()
	before := heap.InUse()
	h.comeAll(n, one)
	h.hangUp()
	return float64(heap.InUse()-before) / float64(n)
}

// hall is a server on a real port.
type hall struct {
	tb      testing.TB
	backend *forgetful
	server  *session.Server
	web     *http.Server
	served  chan error
	address string
	clients []int // descriptors
}

// forgetful is a backend that keeps nothing of sessions and members.
type forgetful struct {
	*node
	records atomic.Int64 // that were written
	release func()
}

func (f *forgetful) Admit(string, bool) (func(), error) { return f.release, nil }

func (f *forgetful) Attach(_ context.Context, attach channel.AttachSession) (channel.Session, bool, error) {
	return channel.Session{App: attach.App, ID: attach.Session, Generation: 1}, false, nil
}

func (f *forgetful) Update(context.Context, channel.UpdateSession) error {
	f.records.Add(1)
	return nil
}

func (f *forgetful) Detach(context.Context, channel.DetachSession) error { return nil }

func (f *forgetful) End(context.Context, channel.EndSession) error { return nil }

func (f *forgetful) Enter(context.Context, channel.EnterPresence) (uint64, error) { return 1, nil }

// openHall starts a server that somebody is connected to already, who follows what others may share.
func openHall(tb testing.TB) *hall {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	backend := &forgetful{node: newNode(), release: func() {}}
	h := &hall{
		tb: tb, backend: backend, address: listener.Addr().String(), served: make(chan error, 1),
		clients: make([]int, 0, many+1),
		server:  session.New(session.Config{RecordDelay: time.Millisecond}, backend),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws", h.server.WebSocket)
	mux.HandleFunc("GET /v1/sse", h.server.Events)
	mux.HandleFunc("GET "+session.PusherPath, h.server.Pusher)
	h.web = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { h.served <- h.web.Serve(listener) }()
	h.come(webSocket(append(shared, "news")...)(0))
	return h
}

func (h *hall) close() {
	h.hangUp()
	if err := errors.Join(h.server.Close(), h.web.Close()); err != nil {
		h.tb.Error(err)
	}
	<-h.served
}

// client is what the i-th client says: a request and what follows it at once; and what ends the server's last answer to that.
type client func(i int) (says, hears string)

const upgrade = "GET /v1/ws?key=hl_pk_a HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// shared is channels that many follow.
var shared = func() (names []string) {
	for i := range further {
		names = append(names, fmt.Sprintf("room:%022d", i))
	}
	return names
}()

// webSocket follows channels.
func webSocket(channels ...string) client {
	said := upgrade
	for _, name := range channels {
		said += masked(finalText, fmt.Sprintf(`{"op":"subscribe","channel":"%s"}`, name))
	}
	said += masked(finalText, `{"op":"ping","ref":7}`)
	return func(int) (string, string) { return said, `"ref":7` }
}

// pusherSocketOf follows a channel by Pusher's protocol.
func pusherSocketOf(name string) client {
	said := strings.Replace(upgrade, "/v1/ws?key=hl_pk_a", "/app/abc?protocol=7", 1) +
		masked(finalText, `{"event":"pusher:subscribe","data":{"channel":"`+name+`","auth":""}}`)
	return func(int) (string, string) { return said, "subscription_succeeded" }
}

// webSocketOfOwn follows channels that nobody else does.
func webSocketOfOwn(i int) (says, hears string) {
	var channels []string
	for j := range further {
		channels = append(channels, fmt.Sprintf("room:%022d", i*further+j+1000))
	}
	return webSocket(channels...)(i)
}

// webSocketOfMember follows a channel and is a member of others.
func webSocketOfMember(i int) (says, hears string) {
	says, _ = webSocket("news")(i)
	for _, name := range shared {
		says += masked(finalText, fmt.Sprintf(`{"op":"enter","ref":8,"channel":"%s"}`, name))
	}
	return says + masked(finalText, `{"op":"ping","ref":9}`), `"ref":9`
}

// eventStream follows a channel, without a session that outlives it.
func eventStream(int) (says, hears string) {
	query := "key=hl_pk_a" + strings.Repeat("&channel=news", 40) // it is long: nothing of it is to be kept
	return "GET /v1/sse?" + query + " HTTP/1.1\r\nHost: halley\r\n\r\n", "event: subscribed"
}

// comeAll connects n clients, and waits until the records of their sessions are written.
func (h *hall) comeAll(n int, one client) {
	h.tb.Helper()
	lasting, records := int64(n), h.backend.records.Load()
	for i := range n {
		says, hears := one(i)
		if !strings.Contains(says, "/v1/ws") { // nobody else has a record
			lasting = 0
		}
		h.come(says, hears)
	}
	until(h.tb, "the records", func() bool { return h.backend.records.Load() >= records+lasting })
}

// come connects a client, and keeps of it a descriptor.
func (h *hall) come(says, hears string) {
	h.tb.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.tb.Fatal(err)
	}
	if _, err := io.WriteString(conn, says); err != nil {
		h.tb.Fatal(err)
	}
	var heard []byte
	for part := make([]byte, 4<<10); !bytes.Contains(heard, []byte(hears)); {
		n, err := conn.Read(part)
		if heard = append(heard, part[:n]...); err != nil {
			h.tb.Fatalf("after %q: %v", heard, err)
		}
	}
	h.keep(conn.(syscall.Conn))
}

func (h *hall) keep(conn syscall.Conn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		h.tb.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		kept, err := syscall.Dup(int(fd))
		if err != nil {
			h.tb.Fatal(err)
		}
		h.clients = append(h.clients, kept)
	}); err != nil {
		h.tb.Fatal(err)
	}
}

// hangUp ends all connections, a few at a time: what remains of a thousand goroutines at once would be counted.
func (h *hall) hangUp() {
	for left := h.server.Connections(); len(h.clients) > 0; {
		count := min(8, len(h.clients))
		for _, fd := range h.clients[:count] {
			_ = syscall.Close(fd)
		}
		h.clients, left = h.clients[count:], left-count
		until(h.tb, "connections to end", func() bool { return h.server.Connections() == left })
	}
}
