package verify

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
)

// liar is a proxy in front of a node that tells one lie, once, and is honest otherwise. It lies in answers to publishes and in event
// streams.
type liar struct {
	node   *url.URL
	lie    lie
	client *http.Client
	server *http.Server
	url    string
	ended  chan error

	told atomic.Bool   // the lie has been told
	seen atomic.Uint64 // messages that passed

	mu   sync.Mutex
	last acknowledgement // guarded by mu: the last honest answer to a publish
	hold time.Time       // guarded by mu: until when streams are kept waiting; zero: none was cut yet
}

// lie is what a liar does.
type lie string

// The lies.
const (
	honest       lie = "nothing"
	dropOne      lie = "drop a message"
	doubleOne    lie = "deliver a message twice"
	swapTwo      lie = "swap two messages"
	inventOne    lie = "invent a message"
	forgeAnswer  lie = "acknowledge what was not stored"
	hideGap      lie = "hide a gap"
	denyStored   lie = "refuse what was stored"
	boastCopies  lie = "acknowledge without a copy"
	moveRepeat   lie = "answer a repeat with another position"
	lieAfter         = 50                      // messages, so that there is something to spoil
	streamsAway      = 1200 * time.Millisecond // long enough for a short history to forget
	streamsStart     = 10 * time.Millisecond
)

// newLiar starts a proxy before a node.
func newLiar(node string, tells lie) (*liar, error) {
	target, err := url.Parse(node)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &liar{
		node: target, lie: tells, url: "http://" + listener.Addr().String(), ended: make(chan error, 1),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = l.client.Transport
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /v1/sse", l.stream)
	mux.HandleFunc("POST /v1/channels/{channel}/messages", l.publish)
	l.server = &http.Server{Handler: mux, ReadHeaderTimeout: tryPatience}
	go func() { l.ended <- l.server.Serve(listener) }() // close waits for it
	return l, nil
}

func (l *liar) close() error {
	err := l.server.Close()
	if ended := <-l.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	l.client.CloseIdleConnections()
	return err
}

// due reports, once, that it is time for a lie of this kind.
func (l *liar) due(tells lie) bool {
	return l.lie == tells && l.seen.Load() > lieAfter && l.told.CompareAndSwap(false, true)
}

// publish passes a publish on, and its answer back.
func (l *liar) publish(w http.ResponseWriter, r *http.Request) {
	if l.due(forgeAnswer) {
		l.mu.Lock()
		forged := l.last
		l.mu.Unlock()
		forged.Offset++
		writeAnswer(w, http.StatusCreated, forged)
		return
	}
	status, text, err := l.forward(r)
	if err != nil {
		http.Error(w, "the node does not answer", http.StatusBadGateway)
		return
	}
	var answer acknowledgement
	if status >= http.StatusMultipleChoices || json.Unmarshal(text, &answer) != nil {
		w.WriteHeader(status)
		_, _ = w.Write(text) // a client that is gone needs no answer
		return
	}
	switch {
	case !answer.Duplicate && l.due(denyStored):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case l.due(boastCopies):
		answer.Copies = 0
	case answer.Duplicate && l.due(moveRepeat):
		answer.Offset++
	}
	l.mu.Lock()
	l.last = answer
	l.mu.Unlock()
	writeAnswer(w, status, answer)
}

func (l *liar) forward(r *http.Request) (status int, text []byte, err error) {
	request := r.Clone(r.Context())
	request.URL.Scheme, request.URL.Host, request.RequestURI = l.node.Scheme, l.node.Host, ""
	answer, err := l.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, text, err
}

func writeAnswer(w http.ResponseWriter, status int, answer acknowledgement) {
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, answer) // a client that is gone needs no answer
}

// stream passes an event stream on, event by event.
func (l *liar) stream(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !sleep(ctx, streamsStart+time.Until(l.holding())) {
		return
	}
	request := r.Clone(ctx)
	request.URL.Scheme, request.URL.Host, request.RequestURI = l.node.Scheme, l.node.Host, ""
	answer, err := l.client.Do(request)
	if err != nil {
		http.Error(w, "the node does not answer", http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
	w.WriteHeader(answer.StatusCode)
	events := bufio.NewScanner(answer.Body)
	events.Buffer(nil, maxFrame)
	events.Split(splitEvents)
	var kept string
	for events.Scan() {
		said := l.speak(events.Text(), &kept)
		if _, err := io.WriteString(w, said); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if l.cuts() {
			return
		}
	}
}

// holding is until when streams are kept waiting.
func (l *liar) holding() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold
}

// cuts reports whether a stream is to break now, so that its follower misses more than the history holds: at some time in each run,
// whatever the lie.
func (l *liar) cuts() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen.Load() < 2*lieAfter {
		return false
	}
	if l.hold.IsZero() {
		l.hold = time.Now().Add(streamsAway)
	}
	return time.Now().Before(l.hold)
}

var (
	messageID = regexp.MustCompile(`"id":"[^"]*"`)
	offsetNow = regexp.MustCompile(`"offset":(\d+)`)
)

// speak is what becomes of an event. kept is one that is held back until the next.
func (l *liar) speak(event string, kept *string) string {
	switch {
	case strings.Contains(event, "event: gap") && l.lie == hideGap:
		l.told.Store(true)
		return ""
	case !strings.Contains(event, "event: message"):
		return event
	}
	l.seen.Add(1)
	switch {
	case *kept != "":
		event, *kept = event+*kept, ""
	case l.due(dropOne):
		return ""
	case l.due(doubleOne):
		return event + event
	case l.due(swapTwo):
		*kept = event
		return ""
	case l.due(inventOne):
		return event + following(messageID.ReplaceAllString(event, `"id":"invented"`))
	}
	return event
}

// following moves an event to the next offset.
func following(event string) string {
	return offsetNow.ReplaceAllStringFunc(event, func(member string) string {
		offset, err := strconv.ParseUint(member[len(`"offset":`):], 10, 64)
		if err != nil {
			return member
		}
		return fmt.Sprintf(`"offset":%d`, offset+1)
	})
}

// splitEvents has a scanner return events with their empty line.
func splitEvents(data []byte, _ bool) (advance int, token []byte, err error) {
	if end := bytes.Index(data, []byte("\n\n")); end >= 0 {
		return end + 2, data[:end+2], nil
	}
	return 0, nil, nil
}
