package session_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/auth"
)

func TestStreamResumesByLastEventID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "news", "one")
		s, connected := h.follow("&channel=news&rewind=1", "")
		if connected.data.text("resume") != "" || connected.data.text("session") == "" {
			t.Errorf("connected is %v", connected.data)
		}
		if sub := s.want("subscribed"); sub.id != "7-0-1:0" {
			t.Errorf("subscribed has the id %q", sub.id)
		}
		one := s.wantMessage("one")
		if one.id != "7-0-1:1" {
			t.Errorf("the message has the id %q", one.id)
		}
		s.hangUp()
		h.publish(t, "news", "two")
		back, _ := h.follow("&channel=news&cursor=7-0-1:0", one.id) // Last-Event-ID goes before cursor
		back.want("subscribed")
		back.wantMessage("two")
		h.publish(t, "news", "three")
		back.wantMessage("three")
	})
}

func TestStreamOfSeveralChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.follow("&channel=a&channel=b&channel=a", "")
		s.want("subscribed")
		s.want("subscribed")
		h.publish(t, "b", "one")
		id := s.wantMessage("one").id
		if id != "a*7-0-1:0~b*7-0-1:1" {
			t.Errorf("the id is %q", id)
		}
		s.hangUp()
		h.publish(t, "a", "two")
		back, _ := h.follow("&channel=a&channel=b", id)
		back.want("subscribed")
		back.wantMessage("two")
		back.want("subscribed")
		h.publish(t, "b", "three")
		if id := back.wantMessage("three").id; id != "a*7-0-1:1~b*7-0-1:2" {
			t.Errorf("the id is %q", id)
		}
	})
}

// A stream outlives the time-outs that the HTTP server has for ordinary requests, and is not silent for long.
func TestStreamPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		began := time.Now()
		s, _ := h.follow("&channel=news", "")
		s.want("subscribed")
		for range 4 {
			s.want("ping")
		}
		if waited := time.Since(began); waited != 100*time.Second {
			t.Errorf("four pings took %v", waited)
		}
		h.publish(t, "news", "late")
		s.wantMessage("late")
	})
}

func TestStreamTellsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 1 })
		for _, text := range []string{"1", "2", "3"} {
			h.publish(t, "news", text)
		}
		s, _ := h.follow("&channel=news", "7-0-1:1")
		if sub := s.want("subscribed"); sub.data["recovered"] != false {
			t.Errorf("subscribed is %v", sub.data)
		}
		gap := s.want("gap")
		if gap.data.text("reason") != "evicted" || gap.id != "7-0-1:2" {
			t.Errorf("the gap is %v", gap)
		}
		s.wantMessage("3")
	})
}

func TestStreamOfLastingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.follow("&session=new", "")
		resume := connected.data.text("resume")
		status, replies := h.say(resume, `{"op":"subscribe","ref":1,"channel":"news"}`, `{"op":"enter","channel":"news"}`)
		if status != 200 || len(replies) != 2 || replies[0].number("ref") != 1 || replies[1].text("op") != "ok" {
			t.Fatalf("answered %d %v", status, replies)
		}
		h.publish(t, "news", "one")
		one := s.wantMessage("one")
		s.hangUp()
		synctest.Wait()
		h.publish(t, "news", "two")
		back, again := h.follow("&session="+resume, one.id)
		if again.data["resumed"] != true {
			t.Errorf("connected is %v", again.data)
		}
		if sub := back.want("subscribed"); sub.data["recovered"] != true {
			t.Errorf("got %v", sub.data)
		}
		back.wantMessage("two")
		if _, replies = h.say(resume, `{"op":"unsubscribe","ref":3,"channel":"news"}`, `{"op":"close"}`); replies[1].text("op") != "ok" {
			t.Errorf("close answered %v", replies)
		}
		if _, err := back.read(); err == nil {
			t.Error("the stream of a closed session goes on")
		}
		if status, replies = h.say(resume, `{"op":"ping"}`); status != 404 || replies[0].code() != 4325 {
			t.Errorf("a closed session answered %d %v", status, replies)
		}
	})
}

// What a stream is not allowed any more leaves its cursor too.
func TestStreamIsUnsubscribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.follow("&channel=a&channel=b", "")
		s.want("subscribed")
		s.want("subscribed")
		h.set(func() { h.denied = []string{"subscribe:a"} })
		h.server.Recheck(testApp)
		if ended := s.want("unsubscribed"); ended.data.code() != 4310 || ended.id != "" {
			t.Errorf("got %v", ended)
		}
		h.publish(t, "b", "one")
		if id := s.wantMessage("one").id; id != "b*7-0-1:1" {
			t.Errorf("the id is %q", id)
		}
	})
}

func TestStreamEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.grants["hl_pk_a"] = &auth.Grant{AppID: testApp, ExpiresAt: time.Now().Add(90 * time.Second)}
		})
		s, _ := h.follow("&channel=news", "")
		s.want("subscribed")
		s.want("ping")
		if warning := s.want("expiring"); warning.data.number("in") != 60000 {
			t.Errorf("the warning is %v", warning.data)
		}
		s.want("ping")
		s.want("ping")
		if fault := s.want("error"); fault.data.code() != 4210 {
			t.Errorf("the last event is %v", fault.data)
		}
		if _, err := s.read(); err == nil {
			t.Error("the stream goes on")
		}
	})
}

func TestStreamWithPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		member, _ := h.login("")
		member.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		s, _ := h.follow("&channel=room&presence=true", "")
		s.want("subscribed")
		if set := s.want("presence"); set.data.text("action") != "sync" || set.id != "" {
			t.Errorf("got %v", set)
		}
		member.ask(`{"op":"leave","ref":2,"channel":"room"}`)
		if left := s.want("presence"); left.data.text("action") != "leave" {
			t.Errorf("got %v", left)
		}
	})
}

// A stream that is not read is given up, like a socket.
func TestSlowStreamIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.follow("&channel=news", "")
		s.want("subscribed")
		for range 20 { // more than the client and the server hold between them
			h.publish(t, "news", strings.Repeat("x", 10<<10))
		}
		pass(15 * time.Second)
		if got := h.metric("halley_session_closes_total", "4110"); got != 1 {
			t.Errorf("%v connections were closed as slow, want 1", got)
		}
	})
}

func TestStreamHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.follow("&channel=news", "")
		header := s.response.Header
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// Requests that both transports refuse alike.
func TestRequestsAreRefused(t *testing.T) {
	tests := map[string]struct {
		query  string
		header http.Header
		status int
		code   int64
	}{
		"no credential":        {"channel=news", nil, 401, 4009},
		"unknown key":          {"channel=news&key=hl_pk_x", nil, 401, 4009},
		"empty key":            {"channel=news&key=", nil, 401, 4009},
		"secret in the query":  {"channel=news&key=hl_sk_x", nil, 403, 4011},
		"secret of a page":     {"channel=news", http.Header{"Authorization": {"Bearer hl_sk_x"}, "Origin": {"https://a.example"}}, 403, 4011},
		"strange scheme":       {"channel=news", http.Header{"Authorization": {"Digest x"}}, 401, 4009},
		"two credentials":      {"channel=news&key=hl_pk_a", http.Header{"Authorization": {"Bearer hl_pk_a"}}, 400, 4300},
		"foreign origin":       {"channel=news&key=hl_pk_a", http.Header{"Origin": {"https://evil.example"}}, 403, 4010},
		"no channel":           {"key=hl_pk_a", nil, 400, 4307},
		"bad channel":          {"channel=a+b&key=hl_pk_a", nil, 400, 4309},
		"denied channel":       {"channel=secret&key=hl_pk_a", nil, 403, 4310},
		"denied presence":      {"channel=quiet&presence=true&key=hl_pk_a", nil, 403, 4310},
		"too many channels":    {"channel=a&channel=b&channel=c&key=hl_pk_a", nil, 403, 4321},
		"unknown parameter":    {"channel=a&chanel=b&key=hl_pk_a", nil, 400, 4306},
		"twice":                {"channel=a&rewind=1&rewind=2&key=hl_pk_a", nil, 400, 4308},
		"bad percent encoding": {"channel=%zz&key=hl_pk_a", nil, 400, 4300},
		"bad cursor":           {"channel=a&cursor=x&key=hl_pk_a", nil, 400, 4308},
		"bad Last-Event-ID":    {"channel=a&key=hl_pk_a", http.Header{"Last-Event-Id": {"x"}}, 400, 4308},
		"rewind too far":       {"channel=a&rewind=1001&key=hl_pk_a", nil, 400, 4308},
		"rewind no number":     {"channel=a&rewind=x&key=hl_pk_a", nil, 400, 4308},
		"presence no flag":     {"channel=a&presence=yes&key=hl_pk_a", nil, 400, 4308},
		"over capacity":        {"channel=a&key=full", nil, 503, 4100},
	}
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.app.ChannelsPerConnection = 2
			n.app.Origins = []string{"https://a.example"}
			n.denied = []string{"subscribe:secret", "presence:quiet"}
			n.grants["full"] = grantOf("full")
		})
		for name, test := range tests {
			h.set(func() {
				h.refused = nil
				if strings.HasSuffix(test.query, "key=full") {
					h.refused = errFull
				}
			})
			for _, path := range []string{"/v1/sse?", "/v1/poll?"} {
				response := h.request(http.MethodGet, path+test.query, test.header, "")
				retry := response.Header.Get("Retry-After")
				allowed := response.Header.Get("Access-Control-Allow-Origin")
				status, answer := h.decodeBody(response)
				if status != test.status || answer.code() != test.code {
					t.Errorf("%s, %s: answered %d %v, want %d %d", path, name, status, answer, test.status, test.code)
				}
				if (status == 503) != (retry != "") {
					t.Errorf("%s, %s: Retry-After is %q", path, name, retry)
				}
				if (test.code == 4010) != (allowed == "") && test.header.Get("Origin") != "" {
					t.Errorf("%s, %s: Access-Control-Allow-Origin is %q", path, name, allowed)
				}
			}
		}
		if status, answer := h.get("/v1/poll?channel=a&wait=1m&key=hl_pk_a", nil); status != 400 || answer.code() != 4308 {
			t.Errorf("a wait too long: answered %d %v", status, answer)
		}
	})
}

func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		response := h.request(http.MethodOptions, "/v1/commands", http.Header{"Origin": {"https://a.example"}}, "")
		_ = response.Body.Close()
		header := response.Header
		if response.StatusCode != 204 || header.Get("Access-Control-Allow-Origin") != "https://a.example" ||
			header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("answered %d %v", response.StatusCode, header)
		}
	})
}
