package pushnode_test

import (
	"net/http"
	"testing"
)

// TestPagesReadTransports is what docs/api.md says of scripts of other origins: the transports answer them, other calls do not.
func TestPagesReadTransports(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	a.publish(t, "news", "1")
	for path, want := range map[string]bool{
		"/v1/poll?channel=news&wait=0s&": true, "/v1/channels/news/messages?": false, "/v1/channels/news/presence?": false,
	} {
		request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, a.node.URL+path+"key="+a.publishable, nil))(t)
		request.Header.Set("Origin", "https://pages.example")
		got := a.node.send(t, request)
		if readable := got.Header.Get("Access-Control-Allow-Origin") != ""; readable != want {
			t.Errorf("%s: a page may read it: %v, want %v", path, readable, want)
		}
	}
}

// TestTokenRequestsMayBeCompressed is what docs/api.md says of Content-Encoding.
func TestTokenRequestsMayBeCompressed(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	got := a.spoil(t, "createToken", func(r *http.Request, body string) {
		setBody(r, compressed(t, body))
		r.Header.Set("Content-Encoding", "gzip")
	})
	if got.Status != http.StatusOK || got.JSON.text("token") == "" {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
}
