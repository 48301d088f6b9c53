// Package fakepush is a push server that serves wrongly, as it is told, to test what is to find that.
//
// It speaks as much of the native protocol as a subscriber and a publisher need, over WebSocket and event streams, and remembers nothing.
// Start at Start.
package fakepush

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fault is what a server does wrong.
type Fault string

// The faults, each of which meets one subscriber and one message.
const (
	None    Fault = "none"
	Drop    Fault = "drop"    // the message does not come
	Double  Fault = "double"  // it comes twice
	Late    Fault = "late"    // it comes after the next one
	Invent  Fault = "invent"  // one comes that nobody published
	Close   Fault = "close"   // the connection is closed instead
	Refuse  Fault = "refuse"  // the publish is refused
	Refrain Fault = "refrain" // nobody gets a token, nor into a channel
	Leave   Fault = "leave"   // the connection is closed after the first message, which has come
)

// faultAt is the number of the message that a fault meets.
const faultAt = 3

// Server is one that runs. Its address is URL.
type Server struct {
	*httptest.Server
	fault Fault

	mu          sync.Mutex
	subscribers []*subscriber
	offset      int
}

// subscriber is one connection, on its writing side.
type subscriber struct {
	send func(message string) error
	end  context.CancelFunc
	late string // what was held back
}

// Start starts a server, with TLS if secure, which ends with the test.
func Start(t testing.TB, fault Fault, secure bool) *Server {
	s := &Server{fault: fault}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws", s.socket)
	mux.HandleFunc("GET /v1/sse", s.events)
	mux.HandleFunc("POST /v1/tokens", s.token)
	mux.HandleFunc("POST /v1/channels/{channel}/messages", s.publish)
	s.Server = httptest.NewUnstartedServer(mux)
	if secure {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.close)
	return s
}

func (s *Server) close() {
	s.mu.Lock()
	for _, one := range s.subscribers {
		one.end()
	}
	s.mu.Unlock()
	s.Close()
}

const writePatience = 10 * time.Second

// socket serves one WebSocket until its client goes.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it is answered
	}
	defer socket.CloseNow()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	say := func(text string) error {
		ctx, done := context.WithTimeout(ctx, writePatience)
		defer done()
		return socket.Write(ctx, websocket.MessageText, []byte(text))
	}
	if say(`{"op":"connected"}`) != nil {
		return
	}
	if _, _, err := socket.Read(ctx); err != nil {
		return
	}
	if s.fault == Refrain {
		_ = say(`{"op":"error","ref":1,"error":{"code":4310}}`) // it goes anyway
		return
	}
	s.add(&subscriber{end: cancel, send: func(message string) error { return say(`{"op":"message",` + message + `}`) }}, func() error {
		return say(`{"op":"ok","ref":1}`)
	})
	_, _, _ = socket.Read(ctx) // ends with the client
}

// events serves one stream until its client goes.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	flush := http.NewResponseController(w).Flush
	say := func(name, data string) error {
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data)
		return flush()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s.add(&subscriber{end: cancel, send: func(message string) error { return say("message", "{"+message+"}") }}, func() error {
		return say("subscribed", "{}")
	})
	<-ctx.Done()
	s.mu.Lock() // nobody writes to w from here on
	defer s.mu.Unlock()
	for _, one := range s.subscribers {
		one.send = func(string) error { return nil }
	}
}

// add greets a subscriber and has it receive from now on.
func (s *Server) add(one *subscriber, greet func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, one)
	_ = greet() // one that is gone is not missed
}

func (s *Server) token(w http.ResponseWriter, _ *http.Request) {
	if s.fault == Refrain {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	_, _ = io.WriteString(w, `{"token":"t"}`)
}

// publish passes a message on to everybody, rightly to all but the first.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Data jsontext.Value `json:"data"`
	}
	if err := json.UnmarshalRead(r.Body, &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset++
	if s.fault == Refuse && s.offset >= faultAt {
		http.Error(w, `{"error":{"code":4301}}`, http.StatusTooManyRequests)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "{}")
	message := fmt.Sprintf(`"data":%s,"offset":%d`, body.Data, s.offset)
	for i, one := range s.subscribers {
		if i == 0 && s.fault != None {
			s.wrong(one, message)
			continue
		}
		_ = one.send(message) // who is gone is not missed
	}
}

// wrong sends a message to the one subscriber that the fault is for.
func (s *Server) wrong(one *subscriber, message string) {
	messages := []string{message}
	if s.fault == Leave {
		defer one.end()
	}
	switch {
	case one.late != "":
		messages, one.late = []string{message, one.late}, ""
	case s.offset != faultAt:
	case s.fault == Drop:
		messages = nil
	case s.fault == Double:
		messages = []string{message, message}
	case s.fault == Late:
		messages, one.late = nil, message
	case s.fault == Invent:
		messages = []string{message, strings.Replace(message, ":0000:", ":7777:", 1)}
	case s.fault == Close:
		one.end()
	}
	for _, m := range messages {
		_ = one.send(m)
	}
}
