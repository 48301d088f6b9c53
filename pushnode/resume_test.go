package pushnode_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"halley/tenant"
)

// resumed is what a client is told that comes back, up to a message that was published afterwards.
type resumed struct {
	recovered any // of the push or answer that says where the stream begins; nil where the transport has none
	gaps      []object
	offsets   []int
}

// returns are the ways to come back to a channel with a position.
var returns = map[string]func(t *testing.T, a *app, name, position string, live func() int) resumed{
	"WebSocket, since": func(t *testing.T, a *app, name, position string, live func() int) resumed {
		s, _ := a.node.dial(t, a.publishable)
		answer := s.ask("subscribe", fmt.Sprintf(`"channel":%q,"since":%q`, name, position))
		return resumed{recovered: answer["recovered"]}.collect(live(), s.push)
	},
	"WebSocket, cursor": func(t *testing.T, a *app, name, position string, live func() int) resumed {
		s, _ := a.node.dialWith(t, nil, "key="+a.publishable+"&cursor="+url.QueryEscape(name+"*"+position))
		subscribed := s.next("subscribed")
		return resumed{recovered: subscribed["recovered"]}.collect(live(), s.push)
	},
	"event stream, cursor": func(t *testing.T, a *app, name, position string, live func() int) resumed {
		s := a.node.follow(t, a.publishable, "channel="+name+"&cursor="+url.QueryEscape(position))
		return resumed{recovered: s.next("subscribed")["recovered"]}.collect(live(), s.push)
	},
	"event stream, Last-Event-ID": func(t *testing.T, a *app, name, position string, live func() int) resumed {
		s := a.node.followAfter(t, a.publishable, "channel="+name, position)
		return resumed{recovered: s.next("subscribed")["recovered"]}.collect(live(), s.push)
	},
	"long poll": func(t *testing.T, a *app, name, position string, live func() int) resumed {
		p := &poller{node: a.node, tb: t, base: "/v1/poll?channel=" + name + "&key=" + a.publishable, cursor: position}
		p.kept = ordered(p.once("0s"))
		return resumed{}.collect(live(), p.push)
	},
}

// collect takes pushes until the message that is at last.
func (r resumed) collect(last int, next func() object) resumed {
	for {
		push := next()
		switch {
		case push.text("op") == "gap":
			r.gaps = append(r.gaps, push)
		case push.text("op") == "message" && push.number("offset") == last:
			return r
		case push.text("op") == "message":
			r.offsets = append(r.offsets, push.number("offset"))
		}
	}
}

// TestResume comes back to a channel that keeps the last five of ten messages, with every sort of position.
func TestResume(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", tenant.Overrides{
		tenant.LimitHistoryMessages: 5, tenant.LimitPublishesPerSecond: 10_000, tenant.LimitMessagesPerMonth: 1_000_000,
	})
	tests := map[string]struct {
		epoch    string // empty: the channel's
		offset   int
		reason   string // of the gap; empty: none
		from, to int
		offsets  []int
	}{
		"at the head":        {offset: 10},
		"one behind":         {offset: 9, offsets: []int{10}},
		"just kept":          {offset: 5, offsets: []int{6, 7, 8, 9, 10}},
		"one is gone":        {offset: 4, reason: "evicted", from: 5, to: 5, offsets: []int{6, 7, 8, 9, 10}},
		"before the first":   {offset: 0, reason: "evicted", from: 1, to: 5, offsets: []int{6, 7, 8, 9, 10}},
		"ahead":              {offset: 11, reason: "position_ahead"},
		"far ahead":          {offset: 1 << 40, reason: "position_ahead"},
		"of another cluster": {epoch: "zzz-0-1", offset: 9, reason: "unknown_epoch"},
		"of a later cluster": {epoch: "3w5e11264sgsf-0-1", offset: 9, reason: "unknown_epoch"},
		"of no epoch":        {epoch: "0-0-0", offset: 3, reason: "unknown_epoch"},
	}
	for name, test := range tests {
		for way, back := range returns {
			channel := strings.ReplaceAll(name+"-"+way, " ", "_")
			epoch := a.publishTen(t, channel)
			if test.epoch != "" {
				epoch = test.epoch
			}
			got := back(t, a, channel, fmt.Sprintf("%s:%d", epoch, test.offset), func() int {
				return a.publish(t, channel, "live").number("offset")
			})
			if !slices.Equal(got.offsets, test.offsets) {
				t.Errorf("%s, %s: brings %v, want %v", name, way, got.offsets, test.offsets)
			}
			if got.recovered != nil && got.recovered != (test.reason == "") {
				t.Errorf("%s, %s: recovered is %v", name, way, got.recovered)
			}
			switch {
			case test.reason == "" && len(got.gaps) != 0:
				t.Errorf("%s, %s: tells %v where nothing is missing", name, way, got.gaps)
			case test.reason != "" && (len(got.gaps) != 1 || got.gaps[0].text("reason") != test.reason ||
				got.gaps[0].number("from") != test.from || got.gaps[0].number("to") != test.to):
				t.Errorf("%s, %s: tells %v, want one gap %s of %d to %d", name, way, got.gaps, test.reason, test.from, test.to)
			}
		}
	}
}

// publishTen publishes ten messages on a channel and returns its epoch.
func (a *app) publishTen(t *testing.T, name string) string {
	t.Helper()
	items := make([]string, 10)
	for i := range items {
		items[i] = fmt.Sprintf(`{"channel":%q,"data":%d}`, name, i+1)
	}
	got := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[`+strings.Join(items, ",")+`]}`)
	results := got.JSON.list("results")
	if len(results) != 10 || results[9].number("offset") != 10 {
		t.Fatalf("publish: %d %s", got.Status, got.Text)
	}
	return results[9].text("epoch")
}

// TestBrokenPositions are refused at once: a client that is told nothing would take what it gets for all there is.
func TestBrokenPositions(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	for _, position := range []string{
		"x", ":", "a:", ":1", "a:-1", "1-0-1:2:3", "A-0-1:1", "1-0-1:18446744073709551616", "1-0-1:+1", "1-0-1: 1", "1-0-1:1~",
		"news*1-0-1:1~news*1-0-1:2", "news*", "*1-0-1:1",
	} {
		query := "channel=news&key=" + a.publishable + "&cursor=" + url.QueryEscape(position)
		for _, path := range []string{"/v1/sse?", "/v1/poll?"} {
			got := a.node.call(t, http.MethodGet, path+query, "", "")
			if got.Status != http.StatusBadRequest {
				t.Errorf("%s with %q: got %d %s, want 400", path, position, got.Status, got.Text)
			}
		}
		target := a.node.URL + "/v1/sse?channel=news&key=" + a.publishable
		request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))(t)
		request.Header.Set("Last-Event-ID", position)
		if got := a.node.send(t, request); got.Status != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %q: got %d %s, want 400", position, got.Status, got.Text)
		}
		s, _ := a.node.dial(t, a.publishable)
		s.ask("subscribe", fmt.Sprintf(`"channel":"news","since":%q`, position)).expect(t, "since "+position, "invalid_field", "since")
		refused := a.node.handshake(t, nil, "key="+a.publishable+"&cursor="+url.QueryEscape(position))
		if code := refused.closing(); code != 4013 {
			t.Errorf("WebSocket with the cursor %q closes with %d, want 4013", position, code)
		}
	}
}
