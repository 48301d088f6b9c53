package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// balanced opens two nodes, and returns a client whose requests can be led to either: at the first one by itself.
func balanced(t *testing.T) (first, second *house, c *conversation, lead func(h *house)) {
	t.Helper()
	first, second = open(t, nil), open(t, nil)
	second.set(func() { second.neighbour = first.node })
	first.set(func() { first.neighbour = second.node })
	c = first.converse("abc", "0123abcd")
	return first, second, c, func(h *house) { c.client = h.client }
}

// Requests of a conversation may reach any node: nothing is lost, nothing comes twice.
func TestFallbackAtEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c, lead := balanced(t)
		id := wantEstablished(t, c)
		lead(second)
		c.subscribe(id, "private-news", "")
		wantLineEvent(t, c, "pusher_internal:subscription_succeeded")
		for i := range 20 {
			first.publish(t, "private-news", fmt.Sprint(i))
			if i%3 == 0 {
				lead(first)
			} else {
				lead(second)
			}
			if got := wantLineEvent(t, c, "message").text("data"); got != fmt.Sprint(i) {
				t.Fatalf("event %d is %s", i, got)
			}
		}
		lead(second)
		s := c.stream()
		lead(first)
		c.send(`["{\"event\":\"pusher:ping\"}"]`, http.StatusNoContent)
		wantLineEvent(t, s, "pusher:pong")
		later := c.stream() // at the first node: the other one's ends
		s.wantEnd()
		first.publish(t, "private-news", "last")
		if got := wantLineEvent(t, later, "message").text("data"); got != "last" {
			t.Errorf("got %s", got)
		}
		if here, there := first.server.Connections(), second.server.Connections(); here != 1 || there != 0 {
			t.Errorf("%d connections live here, %d there", here, there)
		}
	})
}

// A client at another node is waited for as one that is here: it hears heartbeats, and lives while it is silent.
func TestFallbackWaitsAtAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c, lead := balanced(t)
		wantEstablished(t, c)
		lead(second)
		for range 3 {
			began := time.Now()
			if line := c.next(); line != "h" || time.Since(began) != 25*time.Second {
				t.Errorf("after %v: %s", time.Since(began), line)
			}
		}
		s := c.stream()
		for range 2 {
			s.want("h")
			c.send("[]", http.StatusNoContent)
		}
		s.hangUp()
		pass(10 * time.Second)
		wantGone(t, first)
		c.send("[]", http.StatusNotFound)
	})
}

// Where the other node cannot be reached, the client is told that its connection is over.
func TestFallbackLosesTheOtherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, second, c, lead := balanced(t)
		wantEstablished(t, c)
		lead(second)
		s := c.stream()
		second.set(func() { second.cutOff = wire.NewError(wire.CodeUnavailable) })
		s.wantEnd()
		response := c.post(t.Context(), "/xhr"+c.query, "")
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a poll is answered %d", response.StatusCode)
		}
	})
}

// A stream that breaks at another node has lost what was on its way: the conversation ends.
func TestFallbackBreaksAtAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c, lead := balanced(t)
		id := wantEstablished(t, c)
		c.subscribe(id, "private-news", "")
		wantLineEvent(t, c, "pusher_internal:subscription_succeeded")
		lead(second)
		s := c.stream()
		for i := range 20 {
			first.publish(t, "private-news", fmt.Sprint(i, strings.Repeat("x", 1000)))
		}
		synctest.Wait()
		s.hangUp()
		wantGone(t, first)
	})
}

// A node that is drained lets go of clients that it fetches for elsewhere: they go on at another one.
func TestFallbackIsDrainedAtAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c, lead := balanced(t)
		wantEstablished(t, c)
		lead(second)
		s := c.stream()
		polled := make(chan []string)
		began := time.Now()
		if err := second.server.Drain(t.Context()); err == nil {
			s.wantEnd()
		}
		lead(first)
		go func() { polled <- c.poll() }()
		synctest.Wait()
		c.send(`["{\"event\":\"pusher:ping\"}"]`, http.StatusNoContent)
		if lines := <-polled; !strings.Contains(lines[0], "pong") || time.Since(began) > 4*time.Second {
			t.Errorf("after %v: %q", time.Since(began), lines)
		}
	})
}

// What other nodes ask is answered in bounds: a late question takes nothing from a later request, and only so many wait.
func TestFetchForAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ask := func(name string, visit uint64) session.Fetched {
			fetched, err := h.server.Fetch(t.Context(), session.Fetch{Conversation: "abc/042/" + name, Visit: visit, Most: 1000, Wait: time.Minute})
			if err != nil {
				t.Error(err)
			}
			return fetched
		}
		wantEstablished(t, h.converse("abc", "0"))
		old := ask("0", 0)
		if late := ask("0", old.Visit-1); !late.Over || len(late.Lines) > 0 {
			t.Errorf("a late question is answered %+v", late)
		}
		const most = 64
		var waits sync.WaitGroup
		began := time.Now()
		for i := range most {
			c := h.converse("abc", fmt.Sprint(i))
			if i > 0 {
				wantEstablished(t, c)
			}
			waits.Go(func() {
				if fetched := ask(fmt.Sprint(i), 0); fetched.Over || len(fetched.Lines) > 0 || time.Since(began) != 3*time.Second {
					t.Errorf("after %v: %+v", time.Since(began), fetched)
				}
			})
		}
		synctest.Wait()
		wantEstablished(t, h.converse("abc", "more"))
		if fetched := ask("more", 0); fetched.Over || fetched.Visit == 0 || time.Since(began) != 0 {
			t.Errorf("one too many is answered %+v after %v", fetched, time.Since(began))
		}
		waits.Wait()
		if _, err := h.server.Fetch(t.Context(), session.Fetch{Conversation: "abc/042/none"}); !errors.Is(err, wire.CodeSessionNotFound) {
			t.Errorf("nobody's conversation: %v", err)
		}
		for name, body := range map[string]string{"none": "[]", "more": "x"} {
			if err := h.server.Hear(context.Background(), "abc/042/"+name, []byte(body)); err == nil {
				t.Errorf("%s may say %s", name, body)
			}
		}
	})
}

// Only so many requests look for their conversation at a time, and none whose key is nobody's.
func TestFallbackLooksInBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		found := make(chan struct{})
		var looking, most atomic.Int64
		h.set(func() {
			h.looks = func() {
				most.Store(max(most.Load(), looking.Add(1)))
				<-found
				looking.Add(-1)
			}
		})
		if line := h.converse("xyz", "stranger").next(); line != "o" || most.Load() != 0 {
			t.Errorf("a stranger is looked for, and told %s", line)
		}
		var clients sync.WaitGroup
		for i := range 40 {
			clients.Go(func() { wantEstablished(t, h.converse("abc", fmt.Sprint(i))) })
		}
		synctest.Wait()
		if got := looking.Load(); got != 32 {
			t.Errorf("%d requests look, want 32", got)
		}
		close(found)
		clients.Wait()
		if got := most.Load(); got != 32 {
			t.Errorf("%d requests have looked at a time, want 32", got)
		}
	})
}
