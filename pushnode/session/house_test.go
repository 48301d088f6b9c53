package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/session"
)

// house is a server with its node, and an HTTP client that reaches it.
type house struct {
	*node
	tb       testing.TB
	client   *http.Client
	registry *prometheus.Registry
	dial     func(ctx context.Context) (net.Conn, error)
}

// open starts a server over in-memory pipes, which work in a synctest bubble and hold nothing back: a client that does not read
// stalls its connection at once.
func open(tb testing.TB, change func(*session.Config, *node)) *house {
	tb.Helper()
	pipes := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	return openOn(tb, pipes, pipes.dial, change)
}

// openSockets starts a server on a real port.
func openSockets(tb testing.TB, change func(*session.Config, *node)) *house {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	}
	return openOn(tb, listener, dial, change)
}

func openOn(tb testing.TB, listener net.Listener, dial func(context.Context) (net.Conn, error), change func(*session.Config, *node)) *house {
	tb.Helper()
	h := &house{node: newNode(), tb: tb, registry: prometheus.NewRegistry(), dial: dial}
	config := session.Config{Registerer: h.registry}
	if change != nil {
		change(&config, h.node)
	}
	h.server = session.New(config, h.node)
	go h.deliver()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws", h.server.WebSocket)
	mux.HandleFunc("GET "+session.PusherPath, h.server.Pusher)
	mux.HandleFunc("POST "+session.FallbackPath, h.server.Fallback)
	mux.HandleFunc("GET /v1/sse", h.server.Events)
	mux.HandleFunc("GET /v1/poll", h.server.Poll)
	mux.HandleFunc("POST /v1/commands", h.server.Commands)
	mux.HandleFunc("OPTIONS /v1/", h.server.Preflight)
	web := &http.Server{Handler: mux, ReadTimeout: time.Second, WriteTimeout: 2 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}
	h.client = &http.Client{Transport: transport}
	tb.Cleanup(func() {
		if err := h.server.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
		transport.CloseIdleConnections()
		if err := web.Close(); err != nil {
			tb.Errorf("close the HTTP server: %v", err)
		}
		<-served
		h.stop()
	})
	return h
}

// pipes is a listener of in-memory connections.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// object is a JSON object that was received.
type object map[string]any

func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

func (o object) number(name string) int64 {
	number, _ := o[name].(float64)
	return int64(number)
}

// code is the code of the object's error, or 0.
func (o object) code() int64 {
	fault, _ := o["error"].(map[string]any)
	return object(fault).number("code")
}

func decode(tb testing.TB, data []byte) object {
	tb.Helper()
	var decoded object
	if err := json.Unmarshal(data, &decoded); err != nil {
		tb.Fatalf("not a JSON object: %v: %s", err, data)
	}
	return decoded
}

// socket is a WebSocket client.
type socket struct {
	tb     testing.TB
	conn   *websocket.Conn
	resume string // as connected told it
}

// connect opens a WebSocket with a query. It does not read anything.
func (h *house) connect(query string) *socket {
	h.tb.Helper()
	s, err := h.tryConnect(query, nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	return s
}

func (h *house) tryConnect(query string, header http.Header) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, "ws://halley/v1/ws?"+query, &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: header})
	if err != nil {
		if response != nil && response.Body != nil {
			_ = response.Body.Close()
		}
		return nil, err
	}
	conn.SetReadLimit(-1)
	s := &socket{tb: h.tb, conn: conn}
	h.tb.Cleanup(s.hangUp)
	return s, nil
}

// login opens a WebSocket with the key of the tests and reads connected.
func (h *house) login(query string) (*socket, object) {
	h.tb.Helper()
	s := h.connect("key=hl_pk_a" + query)
	connected := s.want("connected")
	s.resume = connected.text("resume")
	return s, connected
}

func (s *socket) hangUp() { _ = s.conn.CloseNow() }

// patience bounds what a test waits for.
const patience = 2 * time.Minute

func (s *socket) read() (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := s.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	return decode(s.tb, data), nil
}

// next is the next frame.
func (s *socket) next() object {
	s.tb.Helper()
	frame, err := s.read()
	if err != nil {
		s.tb.Fatalf("read: %v", err)
	}
	return frame
}

// want is the next frame, which must have that op.
func (s *socket) want(op string) object {
	s.tb.Helper()
	frame := s.next()
	if frame.text("op") != op {
		s.tb.Fatalf("got %v, want op %s", frame, op)
	}
	return frame
}

// wantMessage is the next frame, which must be a message with that text.
func (s *socket) wantMessage(text string) object {
	s.tb.Helper()
	frame := s.want("message")
	if frame.text("data") != text {
		s.tb.Fatalf("got message %v, want %q", frame, text)
	}
	return frame
}

// wantClose reads up to the close, which must have that code.
func (s *socket) wantClose(code int) (last object) {
	s.tb.Helper()
	for {
		frame, err := s.read()
		if err == nil {
			last = frame
			continue
		}
		if got := websocket.CloseStatus(err); int(got) != code {
			s.tb.Fatalf("closed with %d (%v) after %v, want %d", got, err, last, code)
		}
		return last
	}
}

func (s *socket) write(kind websocket.MessageType, text string) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, kind, []byte(text)); err != nil {
		s.tb.Fatalf("write: %v", err)
	}
}

func (s *socket) send(command string) {
	s.tb.Helper()
	s.write(websocket.MessageText, command)
}

// ask sends a command and reads its answer, which must be ok.
func (s *socket) ask(command string) object {
	s.tb.Helper()
	s.send(command)
	return s.want("ok")
}

// request makes an HTTP request.
func (h *house) request(method, path string, header http.Header, body string) *http.Response {
	h.tb.Helper()
	request, err := http.NewRequest(method, "http://halley"+path, strings.NewReader(body))
	if err != nil {
		h.tb.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := h.client.Do(request)
	if err != nil {
		h.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

// get makes a GET and decodes its answer.
func (h *house) get(path string, header http.Header) (int, object) {
	h.tb.Helper()
	return h.decodeBody(h.request(http.MethodGet, path, header, ""))
}

func (h *house) decodeBody(response *http.Response) (int, object) {
	h.tb.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.tb.Fatalf("read the answer: %v", err)
	}
	return response.StatusCode, decode(h.tb, body)
}

// say posts commands for a session.
func (h *house) say(resume string, commands ...string) (int, []object) {
	h.tb.Helper()
	body := `{"session":"` + resume + `","commands":[` + strings.Join(commands, ",") + `]}`
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer hl_pk_a"}}
	status, answer := h.decodeBody(h.request(http.MethodPost, "/v1/commands", header, body))
	list, _ := answer["replies"].([]any)
	replies := make([]object, len(list))
	for i, reply := range list {
		replies[i], _ = reply.(map[string]any)
	}
	if status != http.StatusOK {
		replies = []object{answer}
	}
	return status, replies
}

// event is one server-sent event.
type event struct {
	name string
	id   string
	data object
}

// stream is a client of server-sent events.
type stream struct {
	tb       testing.TB
	response *http.Response
	buffer   bytes.Buffer
	cancel   context.CancelFunc
}

// follow opens a stream, which must begin with connected.
func (h *house) follow(query, lastEventID string) (*stream, event) {
	h.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://halley/v1/sse?key=hl_pk_a"+query, nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := h.client.Do(request)
	if err != nil {
		h.tb.Fatal(err)
	}
	s := &stream{tb: h.tb, response: response, cancel: cancel}
	h.tb.Cleanup(s.hangUp)
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		h.tb.Fatalf("status %d: %s", response.StatusCode, body)
	}
	return s, s.want("connected")
}

func (s *stream) hangUp() {
	s.cancel()
	_ = s.response.Body.Close()
}

var errStreamEnded = errors.New("the stream has ended")

// read is the next event. Blocks without an event are skipped.
func (s *stream) read() (event, error) {
	for {
		block, rest, found := strings.Cut(s.buffer.String(), "\n\n")
		if !found {
			part := make([]byte, 4096)
			n, err := s.response.Body.Read(part)
			s.buffer.Write(part[:n])
			if err != nil && n == 0 {
				return event{}, errStreamEnded
			}
			continue
		}
		s.buffer.Reset()
		s.buffer.WriteString(rest)
		var one event
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "event":
				one.name = value
			case "id":
				one.id = value
			case "data":
				one.data = decode(s.tb, []byte(value))
			}
		}
		if one.name != "" {
			return one, nil
		}
	}
}

func (s *stream) want(name string) event {
	s.tb.Helper()
	one, err := s.read()
	if err != nil {
		s.tb.Fatal(err)
	}
	if one.name != name {
		s.tb.Fatalf("got event %v, want %s", one, name)
	}
	return one
}

func (s *stream) wantMessage(text string) event {
	s.tb.Helper()
	one := s.want("message")
	if one.data.text("data") != text {
		s.tb.Fatalf("got message %v, want %q", one.data, text)
	}
	return one
}

// metric is the value of a counter or gauge, summed over what its labels hold.
func (h *house) metric(name, label string) float64 {
	h.tb.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		h.tb.Fatal(err)
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			matches := label == ""
			for _, pair := range metric.GetLabel() {
				matches = matches || pair.GetValue() == label
			}
			if matches {
				total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return total
}

func escape(text string) string { return url.QueryEscape(text) }
