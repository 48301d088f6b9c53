package test

import (
	"net/http"
	"net/url"
	"testing"
)

// Two tenants use the same channel name, and neither sees the other.
func TestTenantsDoNotMeet(t *testing.T) {
	n := startNode(t)
	ours, theirs := n.createApp("acme", "chat"), n.createApp("globex", "chat")
	mustPublish(t, n, ours, `{"data":"ours"}`)

	all := url.Values{"channel": {"news"}, "rewind": {"10"}, "key": {theirs.PublishableKey}}
	if got := poll(t, n, all); len(got.Messages) != 0 {
		t.Errorf("another tenant reads %+v", got.Messages)
	}
	mustPublish(t, n, theirs, `{"data":"theirs"}`)
	all.Set("key", ours.PublishableKey)
	if got := poll(t, n, all); len(got.Messages) != 1 || string(got.Messages[0].Data) != `"ours"` {
		t.Errorf("we read %+v", got.Messages)
	}
}

// What is no key, and what is a key for something else, publishes nothing.
func TestPublishNeedsASecretKey(t *testing.T) {
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	for name, test := range map[string]struct {
		key  string
		want int
	}{
		"publishable key": {chat.PublishableKey, http.StatusForbidden},
		"broken key":      {chat.SecretKey[:len(chat.SecretKey)-1] + "!", http.StatusUnauthorized},
		"no key":          {"", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _ := publish(t, n, test.key, "news", `{"data":1}`); status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
		})
	}
}
