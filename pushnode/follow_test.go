package pushnode_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience bounds how long a test waits for what must come.
const patience = 20 * time.Second

// object is a JSON object that was received.
type object map[string]any

func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

func (o object) number(name string) int {
	number, _ := o[name].(float64)
	return int(number)
}

// in is the object that stands under a name, empty where there is none.
func (o object) in(name string) object {
	inner, _ := o[name].(map[string]any)
	return inner
}

// list is the array of objects under a name.
func (o object) list(name string) []object {
	items, _ := o[name].([]any)
	objects := make([]object, len(items))
	for i, item := range items {
		objects[i], _ = item.(map[string]any)
	}
	return objects
}

func decode(t testing.TB, data []byte) object {
	t.Helper()
	var decoded object
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatalf("not a JSON object: %v: %s", err, data)
	}
	return decoded
}

// stream is an event stream of a client.
type stream struct {
	tb    testing.TB
	reply *http.Response
	lines *bufio.Scanner
	first object // the event connected
	id    string // of the last event
	end   context.CancelFunc
}

// follow opens an event stream and awaits its first event.
func (n *node) follow(t testing.TB, credential, query string) *stream {
	t.Helper()
	return n.followAfter(t, credential, query, "")
}

// followAfter is follow for who was there before and has the id of the last event.
func (n *node) followAfter(t testing.TB, credential, query, last string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/v1/sse?"+asQuery(credential)+"&"+query, nil))(t)
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	reply, err := n.client.Do(request)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	s := &stream{tb: t, reply: reply, lines: bufio.NewScanner(reply.Body), end: cancel}
	s.lines.Buffer(nil, 1<<20)
	t.Cleanup(func() {
		cancel()
		_ = reply.Body.Close()
	})
	if reply.StatusCode != http.StatusOK {
		t.Fatalf("the stream answers %s", reply.Status)
	}
	s.first = s.next("connected")
	return s
}

// next returns the next event of that name and forgets those before it.
func (s *stream) next(event string) object {
	s.tb.Helper()
	for {
		name, data, ok := s.event()
		if !ok {
			s.tb.Fatalf("the stream ended where %s was due: %v", event, s.lines.Err())
		}
		if name == event {
			return data
		}
	}
}

// message returns the next message.
func (s *stream) message() object {
	s.tb.Helper()
	return s.next("message")
}

// push returns the next event as another transport would bring it.
func (s *stream) push() object {
	s.tb.Helper()
	name, data, ok := s.event()
	if !ok {
		s.tb.Fatalf("the stream ended: %v", s.lines.Err())
	}
	data["op"] = name
	return data
}

// event reads one event; false where the stream ends.
func (s *stream) event() (name string, data object, ok bool) {
	s.tb.Helper()
	late := time.AfterFunc(patience, s.end)
	defer late.Stop()
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			s.id = value
		case "data":
			data = decode(s.tb, []byte(value))
		case "":
			if name != "" {
				return name, data, true
			}
		}
	}
	return "", nil, false
}

// poller follows channels by long poll.
type poller struct {
	node   *node
	tb     testing.TB
	base   string
	cursor string
	kept   []object // what the last answer had and push has not returned yet
}

// poll begins to follow: the first answer says where the channels are.
func (n *node) poll(t testing.TB, credential, query string) *poller {
	t.Helper()
	p := &poller{node: n, tb: t, base: "/v1/poll?" + asQuery(credential) + "&" + query}
	p.once("0s")
	return p
}

// once polls once.
func (p *poller) once(wait string) object {
	p.tb.Helper()
	path := p.base + "&wait=" + wait
	if p.cursor != "" {
		path += "&cursor=" + url.QueryEscape(p.cursor)
	}
	got := p.node.call(p.tb, http.MethodGet, path, "", "")
	if got.Status != http.StatusOK {
		p.tb.Fatalf("poll: %d %s", got.Status, got.Text)
	}
	p.cursor = got.JSON.text("cursor")
	return got.JSON
}

// message returns the next message, polling as often as that takes.
func (p *poller) message() object {
	p.tb.Helper()
	for {
		if push := p.push(); push.text("op") == "message" {
			return push
		}
	}
}

// push returns the next gap or message.
func (p *poller) push() object {
	p.tb.Helper()
	if len(p.kept) == 0 {
		p.kept = ordered(p.once("20s"))
	}
	if len(p.kept) == 0 {
		p.tb.Fatal("nothing came within the wait")
	}
	next := p.kept[0]
	p.kept = p.kept[1:]
	return next
}

// ordered is a poll's answer as the pushes of another transport.
func ordered(answer object) []object {
	var pushes []object
	for list, op := range map[string]string{"gaps": "gap", "messages": "message"} {
		for _, one := range answer.list(list) {
			one["op"] = op
			pushes = append(pushes, one)
		}
	}
	slices.SortStableFunc(pushes, func(a, b object) int { return strings.Compare(a.text("op"), b.text("op")) })
	return pushes
}

// until reports whether the condition comes true in time, looking again every few milliseconds.
func until(condition func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if condition() {
			return true
		}
	}
	return condition()
}
