package pushnode_test

import (
	"maps"
	"net/http"
	"testing"

	"halley/tenant"
)

func TestPublishAnswersWithThePosition(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	first := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"event":"greeting","data":{"n":1},"id":"m-1"}`)
	position := object{"id": first.JSON["id"], "offset": first.JSON["offset"], "copies": first.JSON["copies"]}
	want := object{"id": "m-1", "offset": 1.0, "copies": 1.0}
	if first.Status != http.StatusCreated || !maps.Equal(position, want) {
		t.Fatalf("got %d %s", first.Status, first.Text)
	}
	again := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"event":"other","data":2,"id":"m-1"}`)
	same := again.JSON["offset"] == first.JSON["offset"] && again.JSON["epoch"] == first.JSON["epoch"]
	if again.Status != http.StatusOK || again.JSON["duplicate"] != true || !same {
		t.Errorf("the same id again: got %d %s", again.Status, again.Text)
	}
	a.used(t, tenant.Values{Publishes: 1})
	history := a.call(t, http.MethodGet, "/v1/channels/news/messages", "")
	messages := history.JSON.list("messages")
	if history.Status != http.StatusOK || len(messages) != 1 {
		t.Fatalf("history: got %d %s; want the one message", history.Status, history.Text)
	}
	message := messages[0]
	if message["event"] != "greeting" || message["id"] != "m-1" || message.in("data").number("n") != 1 {
		t.Errorf("history holds %v", message)
	}
}

func TestLongPollFollowsByCursor(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	p := n.poll(t, a.publishable, "channel=news")
	want := 0
	for round := range 20 {
		for range round % 3 {
			want++
			a.publish(t, "news", want)
		}
		for due := want - round%3 + 1; due <= want; due++ {
			if got := p.message(); got.number("offset") != due {
				t.Fatalf("%v came where offset %d was due", got, due)
			}
		}
	}
}
