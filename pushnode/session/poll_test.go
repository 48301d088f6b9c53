package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// poll makes one long poll.
func (h *house) poll(query string) object {
	h.tb.Helper()
	status, answer := h.get("/v1/poll?key=hl_pk_a&"+query, nil)
	if status != http.StatusOK {
		h.tb.Fatalf("poll %s: answered %d %v", query, status, answer)
	}
	return answer
}

// texts are the data of the answer's messages.
func (o object) texts() string {
	var texts []string
	list, _ := o["messages"].([]any)
	for _, message := range list {
		texts = append(texts, object(message.(map[string]any)).text("data"))
	}
	return strings.Join(texts, " ")
}

func TestPollFollowsByCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "news", "one")
		began := time.Now()
		first := h.poll("channel=news")
		if first.text("cursor") != "7-0-1:1" || first.texts() != "" || len(first) != 3 {
			t.Errorf("the first answer is %v", first)
		}
		if answer := h.poll("channel=news&rewind=5"); answer.texts() != "one" || answer.text("cursor") != "7-0-1:1" {
			t.Errorf("the answer to rewind is %v", answer)
		}
		if time.Since(began) != 0 {
			t.Errorf("answers without a cursor took %v", time.Since(began))
		}
		h.publish(t, "news", "two")
		h.publish(t, "news", "three")
		second := h.poll("channel=news&cursor=" + first.text("cursor"))
		if second.texts() != "two three" || second.text("cursor") != "7-0-1:3" {
			t.Errorf("the second answer is %v", second)
		}
		third := make(chan object, 1)
		go func() { third <- h.poll("channel=news&cursor=" + second.text("cursor")) }()
		pass(10 * time.Second)
		h.publish(t, "news", "four")
		if answer := <-third; answer.texts() != "four" || time.Since(began) != 10*time.Second {
			t.Errorf("the third answer is %v after %v", answer, time.Since(began))
		}
		for wait, want := range map[string]time.Duration{"": 25 * time.Second, "&wait=3s": 3 * time.Second, "&wait=0s": 0, "&wait=55": 55 * time.Second} {
			began := time.Now()
			if answer := h.poll("channel=news&cursor=7-0-1:4" + wait); answer.texts() != "" || answer.text("cursor") != "7-0-1:4" {
				t.Errorf("the empty answer is %v", answer)
			}
			if waited := time.Since(began); waited != want {
				t.Errorf("the empty answer to %q came after %v, want %v", wait, waited, want)
			}
		}
	})
}

func TestPollOfSeveralChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.poll("channel=a&channel=b")
		if first.text("cursor") != "a*7-0-1:0~b*7-0-1:0" {
			t.Errorf("the first answer is %v", first)
		}
		h.publish(t, "b", "one")
		second := h.poll("cursor=" + escape(first.text("cursor")))
		if second.texts() != "one" || second.text("cursor") != "a*7-0-1:0~b*7-0-1:1" {
			t.Errorf("the second answer is %v", second)
		}
	})
}

func TestPollTellsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "news", "one")
		answer := h.poll("channel=news&cursor=9-9-9:9")
		gaps, _ := answer["gaps"].([]any)
		if len(gaps) != 1 || object(gaps[0].(map[string]any)).text("reason") != "unknown_epoch" || answer.text("cursor") != "7-0-1:1" {
			t.Errorf("the answer is %v", answer)
		}
		if again := h.poll("channel=news&wait=0s&cursor=" + answer.text("cursor")); len(again["gaps"].([]any)) != 0 {
			t.Errorf("the gap is told twice: %v", again)
		}
	})
}

// An answer has its bounds, and the cursor stays within them: what is beyond comes next.
func TestPollIsBounded(t *testing.T) {
	tests := map[string]struct {
		messages, bytes, most int
	}{
		"messages": {2500, 10, 1000},
		"bytes":    {60, 60 << 10, 18},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(_ *sessionConfig, n *node) {
					n.rule.Retention.Messages = 3000
					n.rule.Retention.Bytes = 1 << 30
				})
				for i := range test.messages {
					h.publish(t, "news", fmt.Sprintf("%0*d", test.bytes, i))
				}
				cursor, seen := "7-0-1:0", 0
				for seen < test.messages {
					answer := h.poll("channel=news&cursor=" + cursor)
					list, _ := answer["messages"].([]any)
					if len(list) == 0 || len(list) > test.most {
						t.Fatalf("an answer has %d messages", len(list))
					}
					for _, message := range list {
						seen++
						if offset := object(message.(map[string]any)).number("offset"); offset != int64(seen) {
							t.Fatalf("got offset %d, want %d", offset, seen)
						}
					}
					cursor = answer.text("cursor")
				}
				if got := h.meter.delivered(); got != test.messages {
					t.Errorf("%d messages were metered, want %d", got, test.messages)
				}
			})
		})
	}
}

func TestPollOfLastingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.poll("session=new&channel=room&presence=true")
		connected, _ := first["connected"].(map[string]any)
		resume := object(connected).text("resume")
		if resume == "" || len(first["presence"].([]any)) != 1 {
			t.Fatalf("the first answer is %v", first)
		}
		_, replies := h.say(resume, `{"op":"enter","ref":1,"channel":"room","data":{"x":1}}`, `{"op":"subscribe","ref":2,"channel":"news"}`)
		if len(replies) != 2 || replies[1].number("offset") != 0 {
			t.Fatalf("answered %v", replies)
		}
		began := time.Now()
		second := h.poll("session=" + resume + "&cursor=" + escape(first.text("cursor")))
		set, _ := second["presence"].([]any)
		if len(set) != 1 || second["connected"] != nil || time.Since(began) != 0 {
			t.Fatalf("the second answer is %v after %v", second, time.Since(began))
		}
		answer := make(chan object, 1)
		go func() { answer <- h.poll("session=" + resume + "&cursor=" + escape(second.text("cursor"))) }()
		pass(5 * time.Second)
		h.publish(t, "news", "one")
		third := <-answer
		if third.texts() != "one" || third["presence"] != nil || time.Since(began) != 5*time.Second {
			t.Errorf("the third answer is %v after %v", third, time.Since(began))
		}
		pass(10 * time.Second) // within the grace: nobody has left
		h.tick()
		if members := h.poll("channel=room&presence=true"); len(members["presence"].([]any)) != 1 {
			t.Errorf("the members are %v", members)
		}
		if again := h.poll("wait=0s&session=" + resume + "&cursor=" + escape(third.text("cursor"))); again["connected"] == nil {
			t.Errorf("a poll that wants to know is not told its session: %v", again)
		}
	})
}

// The next poll of a session takes over from one that still waits.
func TestPollTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.poll("session=new&channel=news")
		resume := object(first["connected"].(map[string]any)).text("resume")
		replaced := make(chan object, 1)
		go func() {
			_, answer := h.get("/v1/poll?key=hl_pk_a&session="+resume, nil)
			replaced <- answer
		}()
		pass(time.Second)
		second := make(chan object, 1)
		go func() { second <- h.poll("session=" + resume) }()
		if answer := <-replaced; answer.code() != 4015 {
			t.Errorf("the earlier poll was answered %v", answer)
		}
		h.publish(t, "news", "one")
		if answer := <-second; answer.texts() != "one" {
			t.Errorf("the later poll was answered %v", answer)
		}
	})
}

func TestPollEndsWithItsTokenAndDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			grant := *grantOf("")
			grant.ExpiresAt = time.Now().Add(5 * time.Second)
			n.grants["short"] = &grant
		})
		began := time.Now()
		if status, _ := h.get("/v1/poll?token=short&channel=news&cursor=7-0-1:0", nil); status != 200 || time.Since(began) != 5*time.Second {
			t.Errorf("answered %d after %v", status, time.Since(began))
		}
		answer := make(chan object, 1)
		go func() { answer <- h.poll("channel=news&cursor=7-0-1:0") }()
		pass(time.Second)
		if err := h.server.Drain(t0()); err != nil {
			t.Errorf("drain: %v", err)
		}
		got := <-answer
		told, _ := got["pushes"].([]any)
		if got.text("cursor") != "7-0-1:0" || len(told) != 1 || object(told[0].(map[string]any)).text("op") != "drain" {
			t.Errorf("the answer of a draining server is %v", got)
		}
	})
}

func TestCommandsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.app.MessageBytes = 1 << 10
			n.grants["bob"] = grantOf("bob")
		})
		first := h.poll("session=new")
		resume := object(first["connected"].(map[string]any)).text("resume")
		good := `{"session":"` + resume + `","commands":[{"op":"ping"}]}`
		bearer := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer hl_pk_a"}}
		with := func(name, value string) http.Header {
			header := bearer.Clone()
			header.Set(name, value)
			return header
		}
		tests := map[string]struct {
			header http.Header
			body   string
			status int
			code   int64
		}{
			"no credential":     {http.Header{"Content-Type": {"application/json"}}, good, 401, 4009},
			"other client":      {with("Authorization", "Bearer bob"), good, 404, 4325},
			"wrong type":        {with("Content-Type", "text/plain"), good, 415, 4313},
			"compressed":        {with("Content-Encoding", "gzip"), good, 415, 4314},
			"too large":         {bearer, strings.Repeat(" ", 6<<10), 413, 4319},
			"malformed":         {bearer, `{"session":`, 400, 4303},
			"malformed session": {bearer, `{"session":"x","commands":[{"op":"ping"}]}`, 404, 4325},
			"unknown session":   {bearer, `{"session":"` + resume[:len(resume)-3] + `AAA","commands":[{"op":"ping"}]}`, 404, 4325},
			"no commands":       {bearer, `{"session":"` + resume + `"}`, 400, 4307},
		}
		for name, test := range tests {
			status, answer := h.decodeBody(h.request(http.MethodPost, "/v1/commands", test.header, test.body))
			if status != test.status || answer.code() != test.code {
				t.Errorf("%s: answered %d %v, want %d %d", name, status, answer, test.status, test.code)
			}
		}
		_, replies := h.say(resume, `{"op":"ping","ref":1}`, `{"op":"shout","ref":2}`, `{"op":"connect","ref":3,"key":"x"}`, `{"op":"unsubscribe","channel":"x"}`)
		codes := make([]int64, len(replies))
		for i, reply := range replies {
			codes[i] = reply.code()
		}
		if text, _ := json.Marshal(codes); string(text) != "[0,4311,4311,4323]" {
			t.Errorf("the replies are %v", replies)
		}
		pass(time.Second) // net/http gives a client whose body it did not read a moment to see the answer
	})
}
