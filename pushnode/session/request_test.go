package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// What one request may make the server hold is bounded.
func TestCommandsAnswerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Bytes = 4 << 20 })
		for range 60 {
			h.publish(t, "news", strings.Repeat("x", 60<<10))
		}
		first := h.poll("session=new")
		resume := object(first["connected"].(map[string]any)).text("resume")
		command := `{"op":"history","channel":"news","limit":1000}`
		left := `{"op":"publish","ref":2,"channel":"news","data":"left","id":"left"}`
		body := `{"session":"` + resume + `","commands":[` + strings.Repeat(command+",", 19) + left + `]}`
		header := map[string][]string{"Content-Type": {"application/json"}, "Authorization": {"Bearer hl_pk_a"}}
		response := h.request("POST", "/v1/commands", header, body)
		defer response.Body.Close()
		if response.ContentLength > 16<<20 {
			t.Errorf("a request of %d bytes (20 of at most 100 commands) is answered from one buffer of %d bytes", len(body), response.ContentLength)
		}
		var answer struct {
			Replies []struct {
				Op    string
				Error struct {
					Code       wire.Code
					RetryAfter int `json:"retry_after"`
				}
			}
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Replies) != 20 {
			t.Fatalf("%d replies, %v; want 20", len(answer.Replies), err)
		}
		if got := answer.Replies[0].Op; got != "ok" {
			t.Errorf("the first command is answered with %s, want ok", got)
		}
		if got := answer.Replies[19].Error; got.Code != wire.CodeAnswerFull || got.RetryAfter == 0 {
			t.Errorf("the last command is answered with %+v, want answer_full and a time", got)
		}
		if got := h.publish(t, "news", "next"); got.Offset != 61 {
			t.Errorf("what is published next has the offset %d: a command that was refused was done", got.Offset)
		}
	})
}

// A poll warns of the end of its token.
func TestPollTellsExpiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.grants["short"] = &auth.Grant{AppID: testApp, ExpiresAt: time.Now().Add(50 * time.Second)}
		})
		_, answer := h.get("/v1/poll?token=short&session=new&channel=news&wait=5s", nil)
		if pushes := fmt.Sprint(answer["pushes"]); !strings.Contains(pushes, "expiring") {
			t.Errorf("the pushes are %v", pushes)
		}
	})
}

// A poll that is replaced after a while is told so.
func TestLatePollIsToldWhyItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.poll("session=new&channel=news")
		resume := object(first["connected"].(map[string]any)).text("resume")
		replaced := make(chan error, 1)
		go func() {
			fresh := &http.Client{Transport: &http.Transport{ // one that does not ask again by itself
				DisableKeepAlives: true,
				DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return h.dial(ctx) },
			}}
			response, err := fresh.Get("http://halley/v1/poll?key=hl_pk_a&session=" + resume)
			if err == nil {
				_ = response.Body.Close()
			}
			replaced <- err
		}()
		pass(10 * time.Second) // more than the HTTP server's WriteTimeout
		h.get("/v1/poll?key=hl_pk_a&wait=1s&session="+resume, nil)
		if err := <-replaced; err != nil {
			t.Errorf("the earlier poll got no answer: %v", err)
		}
	})
}

// A number of seconds that does not fit is refused.
func TestWaitOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		if status, answer := h.get("/v1/poll?key=hl_pk_a&channel=news&wait=18446744074", nil); status != 400 {
			t.Errorf("answered %d %v", status, answer)
		}
	})
}

// A client that goes away before it has said who it is is not a fault of the server.
func TestLeavingBeforeConnectIsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.connect("").hangUp()
		synctest.Wait()
		pass(5 * time.Second)
		if got := h.metric("halley_session_closes_total", "4103"); got != 0 {
			t.Errorf("%v internal faults were counted (and logged as errors)", got)
		}
	})
}
