package pushnode_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

func TestPublishAnswersWithThePosition(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	first := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"event":"greeting","data":{"n":1},"id":"m-1"}`)
	if first.Status != http.StatusCreated || first.JSON["id"] != "m-1" || first.JSON["offset"] != 1.0 || first.JSON["copies"] != 1.0 {
		t.Fatalf("got %d %s", first.Status, first.Text)
	}
	again := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"event":"other","data":2,"id":"m-1"}`)
	if again.Status != http.StatusOK || again.JSON["duplicate"] != true || again.JSON["offset"] != 1.0 || again.JSON["epoch"] != first.JSON["epoch"] {
		t.Errorf("the same id again: got %d %s", again.Status, again.Text)
	}
	history := a.call(t, http.MethodGet, "/v1/channels/news/messages", "")
	messages, _ := history.JSON["messages"].([]any)
	if history.Status != http.StatusOK || len(messages) != 1 {
		t.Fatalf("history: got %d %s; want the one message", history.Status, history.Text)
	}
	message := messages[0].(map[string]any)
	if message["event"] != "greeting" || message["id"] != "m-1" || message["data"].(map[string]any)["n"] != 1.0 {
		t.Errorf("history holds %v", message)
	}
}

func TestLongPollFollowsByCursor(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	poll := func(cursor string) (next string, offsets []float64) {
		t.Helper()
		path := "/v1/poll?channel=news&wait=10s&key=" + a.publishable
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		got := n.call(t, http.MethodGet, path, "", "")
		if got.Status != http.StatusOK {
			t.Fatalf("got %d %s", got.Status, got.Text)
		}
		for _, message := range got.JSON["messages"].([]any) {
			offsets = append(offsets, message.(map[string]any)["offset"].(float64))
		}
		return got.JSON["cursor"].(string), offsets
	}
	cursor, _ := poll("")
	want := 0.0
	for round := range 20 {
		for range round % 3 {
			want++
			a.call(t, http.MethodPost, "/v1/channels/news/messages", fmt.Sprintf(`{"data":%v}`, want))
		}
		for last := want - float64(round%3); last < want; {
			var offsets []float64
			cursor, offsets = poll(cursor)
			for _, offset := range offsets {
				if last++; offset != last {
					t.Fatalf("offset %v came where %v was due", offset, last)
				}
			}
		}
	}
}

func TestBadInputSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":"kept"}`)
	for _, c := range []struct {
		path, body string
		status     int
		name       string
	}{
		{"/v1/channels/news/messages", `{"data":1,}`, http.StatusBadRequest, "malformed_json"},
		{"/v1/channels/news/messages", `{"data":1,"data":2}`, http.StatusBadRequest, "duplicate_name"},
		{"/v1/channels/news/messages", "{\"data\":\"\xff\"}", http.StatusBadRequest, "bad_utf8"},
		{"/v1/channels/news/messages", `{"data":1,"colour":2}`, http.StatusBadRequest, "unknown_field"},
		{"/v1/channels/news/messages", `{}`, http.StatusBadRequest, "missing_field"},
		{"/v1/channels/no%20blank/messages", `{"data":1}`, http.StatusBadRequest, "invalid_channel"},
		{"/v1/nothing", `{"data":1}`, http.StatusNotFound, "not_found"},
		{"/v1/usage", `{}`, http.StatusMethodNotAllowed, "method_not_allowed"},
	} {
		got := a.call(t, http.MethodPost, c.path, c.body)
		if got.Status != c.status || got.errorName() != c.name {
			t.Errorf("%s %q: got %d %s; want %d %s", c.path, c.body, got.Status, got.Text, c.status, c.name)
		}
	}
	history := a.call(t, http.MethodGet, "/v1/channels/news/messages", "")
	if messages, _ := history.JSON["messages"].([]any); len(messages) != 1 {
		t.Errorf("after bad input the history is %s; want the one message", history.Text)
	}
}
