package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/session"
	"halley/pushnode/wire"
)

func TestFallbackStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		s := c.stream()
		wantEstablished(t, s)
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		wantLineEvent(t, s, "pusher_internal:subscription_succeeded")
		h.publishData(t, "news", "greeting", `{"a": "é\n"}`)
		if got := wantLineEvent(t, s, "greeting"); got.text("data") != `{"a": "é\n"}` || got.text("channel") != "news" {
			t.Errorf("the event is %v", got)
		}
		c.send(`["{\"event\":\"pusher:ping\",\"data\":{}}","{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"news\"}}","{}"]`, 204)
		wantLineEvent(t, s, "pusher:pong")
		wantLineEvent(t, s, "pusher:error") // of the last text
		h.publish(t, "news", "unheard")
		c.send(`["{\"event\":\"pusher:ping\"}"]`, 204)
		wantLineEvent(t, s, "pusher:pong")
		if got := h.metric("halley_session_connections", "pusher-http"); got != 1 {
			t.Errorf("%v connections are counted", got)
		}
	})
}

func TestFallbackPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		id := wantEstablished(t, c)
		c.subscribe(id, "private-news", "")
		wantLineEvent(t, c, "pusher_internal:subscription_succeeded")
		h.publish(t, "private-news", "one")
		h.publish(t, "private-news", "two")
		synctest.Wait()
		if lines := c.poll(); len(lines) != 2 || !strings.Contains(lines[0], "one") || !strings.Contains(lines[1], "two") {
			t.Errorf("a poll brings %q", lines)
		}
		began, told := time.Now(), make(chan []string)
		go func() { told <- c.poll() }()
		pass(7 * time.Second)
		h.publish(t, "private-news", "three")
		if lines := <-told; len(lines) != 1 || !strings.Contains(lines[0], "three") || time.Since(began) != 7*time.Second {
			t.Errorf("after %v a poll brings %q", time.Since(began), lines)
		}
		began = time.Now()
		if lines := c.poll(); lines[0] != "h" || time.Since(began) != 25*time.Second {
			t.Errorf("after %v of silence a poll brings %q", time.Since(began), lines)
		}
	})
}

// A stream goes on to where pusher-js leaves it, and what comes then is fetched by the next one: nothing is lost, nothing comes twice. The
// client may change to polls.
func TestFallbackStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(config *session.Config, n *node) {
			config.QueueMessages, n.app.QueueBytes = 10_000, 8<<20
		})
		c := h.converse("abc", "0123abcd")
		s := c.stream()
		wantEstablished(t, s)
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		wantLineEvent(t, s, "pusher_internal:subscription_succeeded")
		const events, most = 500, 256 << 10
		text := strings.Repeat("é😀", 330)
		for i := range events {
			h.publish(t, "news", fmt.Sprintf("%d %s", i, text))
		}
		ends := 0
		for i := range events {
			if s.units > most {
				s.wantEnd()
				ends++
				s = c.stream()
			}
			if line := s.next(); !strings.Contains(line, fmt.Sprintf("%d é", i)) {
				t.Fatalf("event %d is %.200s", i, line)
			}
		}
		if ends != 2 {
			t.Errorf("%d streams ended", ends)
		}
		go func() { _, _ = io.Copy(io.Discard, s) }() // a browser reads always, also what is behind a line
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		h.publish(t, "news", "last")
		if line := c.next(); !strings.Contains(line, "last") {
			t.Errorf("got %.200s by a poll", line)
		}
	})
}

// Heartbeats come to who hears nothing, and answers to who asks; never to the answer of a heartbeat.
func TestFallbackHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, nil).converse("abc", "0123abcd")
		s := c.stream()
		wantEstablished(t, s)
		for range 5 {
			began := time.Now()
			s.want("h")
			if time.Since(began) != 25*time.Second {
				t.Errorf("a heartbeat after %v", time.Since(began))
			}
			c.send("[]", 204)
		}
		pass(10 * time.Second)
		began := time.Now()
		c.send("[]", 204)
		s.want("h")
		if time.Since(began) != 0 {
			t.Errorf("an answer after %v", time.Since(began))
		}
		began = time.Now()
		go func() {
			for range 4 { // it says something, and asks for nothing
				pass(10 * time.Second)
				c.send(`["{\"event\":\"pusher:pong\"}"]`, 204)
			}
		}()
		for range 2 {
			s.want("h")
		}
		if time.Since(began) != 50*time.Second {
			t.Errorf("two heartbeats in %v", time.Since(began))
		}
	})
}

// Who streams and says nothing, not even to heartbeats, is closed as on a WebSocket.
func TestFallbackClientsMustSpeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.converse("abc", "0123abcd").stream()
		began := time.Now()
		wantEstablished(t, s)
		line := s.next()
		for line == "h" {
			line = s.next()
		}
		if !strings.Contains(line, "4201") || time.Since(began) != 65*time.Second {
			t.Errorf("after %v: %s", time.Since(began), line)
		}
		if line := s.next(); !strings.HasPrefix(line, "c[4201,") {
			t.Errorf("the stream ends with %s", line)
		}
		s.wantEnd()
		wantGone(t, h)
	})
}

// wantGone makes sure that nobody is connected any more.
func wantGone(t *testing.T, h *house) {
	t.Helper()
	synctest.Wait()
	if connections, places := h.server.Connections(), h.places.Load(); connections != 0 || places != 0 {
		t.Errorf("%d connections live, with %d places", connections, places)
	}
}

// A client is gone when nobody has come by for it for five seconds, and a member until then.
func TestFallbackClientsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c, other := h.converse("abc", "0123abcd"), h.pusher()
		id := wantEstablished(t, c)
		c.subscribe(id, "presence-room", `{"user_id":"ada"}`)
		wantLineEvent(t, c, "pusher_internal:subscription_succeeded")
		other.subscribe("presence-room", `{"user_id":"bob"}`)
		wantLineEvent(t, c, "pusher_internal:member_added")
		for range 3 { // seldom, but in time
			pass(4 * time.Second)
			h.publish(t, "presence-room", "hello")
			wantLineEvent(t, c, "message")
			other.wantEvent("message")
		}
		began := time.Now()
		other.wantData("pusher_internal:member_removed", `{"user_id":"ada"}`)
		if time.Since(began) != 5*time.Second {
			t.Errorf("gone after %v", time.Since(began))
		}
		c.send("[]", http.StatusNotFound)
		if line := c.next(); line != "o" { // which its client takes for a lost one
			t.Errorf("a conversation that was over goes on with %s", line)
		}
	})
}

// A stream that breaks while something is on its way has lost that: the client must begin anew.
func TestFallbackStreamBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		s := c.stream()
		wantEstablished(t, s)
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		wantLineEvent(t, s, "pusher_internal:subscription_succeeded")
		for i := range 20 { // nobody reads: the pipe between the two holds nothing
			h.publish(t, "news", fmt.Sprint(i))
		}
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		if line := c.next(); line != "o" {
			t.Errorf("goes on with %s", line)
		}
	})
}

// The last request fetches: one before it has lost its client.
func TestFallbackRequestsReplaceEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		wantEstablished(t, c)
		early := make(chan []string)
		go func() { early <- c.poll() }()
		synctest.Wait()
		s := c.stream()
		if lines := <-early; len(lines) != 1 || lines[0] != "h" {
			t.Errorf("the poll brings %q", lines)
		}
		later := c.stream()
		s.wantEnd()
		pass(10 * time.Second)
		c.send(`["{\"event\":\"pusher:ping\"}"]`, 204)
		wantLineEvent(t, later, "pusher:pong")
	})
}

// Who is refused is told so as on a WebSocket, once the conversation has begun: else pusher-js would try another transport.
func TestFallbackRefusesClients(t *testing.T) {
	for name, test := range map[string]struct {
		key, query string
		refused    error
		code       int64
	}{
		"unknown key":          {"xyz", fallbackQuery, nil, 4001},
		"old protocol":         {"abc", "?protocol=3", nil, 4007},
		"no protocol":          {"abc", "", nil, 4008},
		"over capacity":        {"abc", fallbackQuery, wire.NewError(wire.CodeOverCapacity), 4100},
		"too many connections": {"abc", fallbackQuery, wire.NewError(wire.CodeTooManyConnections), 4004},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(_ *session.Config, n *node) { n.refused = test.refused })
				c := h.converse(test.key, "0123abcd")
				c.query = test.query
				s := c.stream()
				s.want("o")
				fault, _ := wantLineEvent(t, s, "pusher:error")["data"].(map[string]any)
				if object(fault).number("code") != test.code {
					t.Errorf("got the error %v", fault)
				}
				if line := s.next(); !strings.HasPrefix(line, fmt.Sprintf("c[%d,", test.code)) {
					t.Errorf("the stream ends with %s", line)
				}
				c.send("[]", http.StatusNotFound)
				s.wantEnd()
				wantGone(t, h)
			})
		})
	}
}

// What is no conversation, or no body of one, is refused, and harms nobody.
func TestFallbackRefusesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		wantEstablished(t, c)
		for path, status := range map[string]int{
			"/pusher/app/abc/042/0123abcd/jsonp": 404, "/pusher/app/abc/042/01.3/xhr": 404, "/pusher/app/abc/043/0123abcd/xhr_send": 404,
			"/pusher/app/abd/042/0123abcd/xhr_send": 404, "/pusher/app/abc/042/0123abcd/xhr_send": 415,
		} {
			response := h.request(http.MethodPost, path, nil, "[]")
			_ = response.Body.Close()
			if response.StatusCode != status {
				t.Errorf("%s: %d, want %d", path, response.StatusCode, status)
			}
		}
		for body, status := range map[string]int{
			"": 400, "{}": 400, `["a"`: 400, `[1]`: 400, `[` + strings.Repeat(`"",`, 200) + `""]`: 400,
		} {
			c.send(body, status)
		}
		c.send(`["`+strings.Repeat(" ", 1<<20)+`"]`, 413)
		pass(time.Second) // its connection ends
		c.send(`["{\"event\":\"pusher:ping\"}"]`, 204)
		wantLineEvent(t, c, "pusher:pong")
		c.send(`["`+strings.Repeat("x", 100<<10)+`"]`, 204)
		fault, _ := wantLineEvent(t, c, "pusher:error")["data"].(map[string]any)
		if line := c.next(); !strings.HasPrefix(line, fmt.Sprintf("c[%d,", object(fault).number("code"))) {
			t.Errorf("after %v: %s", fault, line)
		}
	})
}

// A node that is drained sends its clients away, polls and streams, and waits for those that are just not here.
func TestFallbackIsDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		streams, polls, absent := h.converse("abc", "stream"), h.converse("abc", "poll"), h.converse("abc", "absent")
		s := streams.stream()
		wantEstablished(t, s)
		wantEstablished(t, polls)
		wantEstablished(t, absent)
		told := make(chan string)
		go func() { told <- polls.next() }()
		synctest.Wait()
		drained := make(chan error)
		go func() { drained <- h.server.Drain(t.Context()) }()
		if line := s.next(); !strings.HasPrefix(line, "c[4200,") {
			t.Errorf("the stream ends with %s", line)
		}
		s.wantEnd()
		if line := <-told; !strings.HasPrefix(line, "c[4200,") {
			t.Errorf("the poll brings %s", line)
		}
		if line := absent.next(); !strings.HasPrefix(line, "c[4200,") {
			t.Errorf("who was not here is told %s", line)
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		response := h.request(http.MethodPost, "/pusher/app/abc/1/new/xhr"+fallbackQuery, nil, "")
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("who comes then is answered %d", response.StatusCode)
		}
	})
}

// A client that does not fetch holds up nobody, and what waits for it is bounded.
func TestFallbackClientsThatFetchTooLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(config *session.Config, _ *node) { config.QueueMessages = 10 })
		c, other := h.converse("abc", "0123abcd"), h.pusher()
		wantEstablished(t, c)
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		wantLineEvent(t, c, "pusher_internal:subscription_succeeded")
		other.subscribe("news", "")
		text := strings.Repeat("x", 10_000)
		for i := range 50 {
			h.publish(t, "news", fmt.Sprintf("%d %s", i, text))
			other.wantEvent("message")
		}
		synctest.Wait()
		if waits := h.metric("halley_session_queue_bytes", ""); waits > 200_000 {
			t.Errorf("%v bytes wait", waits)
		}
		for i := range 50 { // the rest is in history
			if line := c.next(); !strings.Contains(line, fmt.Sprintf(`"%d x`, i)) {
				t.Fatalf("event %d is %.200s", i, line)
			}
		}
	})
}

// A panic in what a client says ends its conversation, and nothing else.
func TestFallbackPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		wantEstablished(t, c)
		h.set(func() { h.panics = true })
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		h.set(func() { h.panics = false })
		if line := c.next(); line != "o" {
			t.Errorf("goes on with %s", line)
		}
		if got := h.metric("halley_session_panics_total", ""); got != 1 {
			t.Errorf("%v panics are counted", got)
		}
	})
}

// A stream that its client does not read ends, and its conversation with it: what was on its way is lost.
func TestFallbackStreamsThatAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("abc", "0123abcd")
		s := c.stream()
		wantEstablished(t, s)
		c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
		wantLineEvent(t, s, "pusher_internal:subscription_succeeded")
		for i := range 20 {
			h.publish(t, "news", fmt.Sprint(i, strings.Repeat("x", 1000)))
		}
		pass(9 * time.Second)
		if connections := h.server.Connections(); connections != 1 {
			t.Errorf("%d connections live while there is hope", connections)
		}
		pass(2 * time.Second)
		wantGone(t, h)
		c.send("[]", http.StatusNotFound)
	})
}

// Clients of one address for which no request is here are bounded: one too many is gone at once. Those that are here are not.
func TestFallbackAbsentClientsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(config *session.Config, _ *node) { config.AbsentPerIP = 2 })
		s := h.converse("abc", "stream").stream()
		wantEstablished(t, s)
		for _, id := range []string{"one", "two", "three", "four"} {
			wantEstablished(t, h.converse("abc", id))
		}
		synctest.Wait()
		if connections := h.server.Connections(); connections != 3 {
			t.Errorf("%d connections live, want 3", connections)
		}
		h.converse("abc", "three").send("[]", http.StatusNotFound)
		first := h.converse("abc", "one")
		for range 3 { // coming and going, it takes one place
			first.send(`["{\"event\":\"pusher:ping\"}"]`, http.StatusNoContent)
			wantLineEvent(t, first, "pusher:pong")
		}
		pass(5 * time.Second)
		synctest.Wait()
		if connections := h.server.Connections(); connections != 1 {
			t.Errorf("%d connections live, want the stream's", connections)
		}
		for _, id := range []string{"five", "six"} {
			wantEstablished(t, h.converse("abc", id))
		}
		synctest.Wait()
		if connections := h.server.Connections(); connections != 3 {
			t.Errorf("%d connections live when places are free again, want 3", connections)
		}
	})
}

// Who was refused and has been told so is forgotten: it holds up no drain.
func TestFallbackForgetsWhomItRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.converse("xyz", "0123abcd")
		// All in one answer: no other node would know the conversation of a key that is nobody's.
		if lines := c.poll(); len(lines) != 3 || lines[0] != "o" || !strings.HasPrefix(lines[2], "c[4001,") {
			t.Errorf("the first answer is %q", lines)
		}
		began := time.Now()
		if err := h.server.Drain(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("drained after %v: %v", time.Since(began), err)
		}
	})
}

// Over HTTP/2 all requests share a connection.
func TestFallbackOverHTTP2(t *testing.T) {
	t.Parallel()
	h := openSockets(t, nil)
	web := httptest.NewUnstartedServer(http.HandlerFunc(h.server.Fallback))
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(web.Close)
	c := h.converse("abc", "0123abcd")
	c.client, c.url = web.Client(), strings.Replace(c.url, "http://halley", web.URL, 1)
	s := c.stream()
	wantEstablished(t, s)
	c.event("pusher:subscribe", "", map[string]string{"channel": "news"})
	wantLineEvent(t, s, "pusher_internal:subscription_succeeded")
	h.publish(t, "news", "one")
	if got := wantLineEvent(t, s, "message").text("data"); got != "one" {
		t.Errorf("got %q", got)
	}
	later := c.stream()
	s.wantEnd()
	h.publish(t, "news", "two")
	if got := wantLineEvent(t, later, "message").text("data"); got != "two" {
		t.Errorf("got %q", got)
	}
	c.send(`["`+strings.Repeat("x", 100<<10)+`"]`, 204)
	wantLineEvent(t, later, "pusher:error")
	if line := later.next(); !strings.HasPrefix(line, "c[") {
		t.Errorf("got %s", line)
	}
	later.wantEnd()
}
