package console_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"halley/pushnode/webhook"
)

// posts is what endpoints were sent by hand.
type posts struct {
	mu sync.Mutex
	// guarded by mu
	status int // of the answer; 0: 200
	sent   []webhook.Post
}

// Send implements console.WebhookSender.
func (p *posts) Send(_ context.Context, post webhook.Post) webhook.Attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, post)
	if p.status != 0 {
		return webhook.Attempt{Status: p.status}
	}
	return webhook.Attempt{Status: http.StatusOK}
}

// A person adds an endpoint, tests it, changes it, sends again what failed, and removes it.
func TestWebhookLife(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	screen := app + "/webhooks"
	ada.get(screen).want(t, http.StatusOK, "Until you switch Pusher on nothing is sent.")
	ada.post(screen, "url", "https://example.com/hook", "events", "channel_vacated", "prefix", "room-", "batched", "on",
		"headers", "Authorization: Bearer canary-secret\r\n\r\nX-B: 2").want(t, http.StatusSeeOther)
	list := ada.get(screen)
	list.want(t, http.StatusOK, "https://example.com/hook", "channel_vacated", "room-")
	endpoint := screen + "/" + find(t, `/webhooks/(whk_[0-9a-z]+)"`, list.body)
	ada.post(endpoint+"/test").want(t, http.StatusUnprocessableEntity, "nothing to sign with")
	ada.post(app+"/pusher/switch", "state", "on").want(t, http.StatusSeeOther)

	house.posts.status = http.StatusTeapot
	tested := ada.post(endpoint + "/test")
	tested.want(t, http.StatusSeeOther)
	delivery := tested.location
	ada.get(delivery).want(t, http.StatusOK, "418 I&#39;m a teapot", "channel_vacated", "room-", "Send again")
	post := house.posts.sent[0]
	if string(post.Body[:13]) != `{"time_ms":17` || post.Signer.Key == "" || post.Signer.Secret.IsZero() || len(post.Endpoint.Headers) != 2 ||
		post.Endpoint.Headers[0].Value.Reveal() != "Bearer canary-secret" || post.Endpoint.URL != "https://example.com/hook" {
		t.Errorf("sent %+v: %s", post, post.Body)
	}
	house.posts.status = 0
	ada.post(delivery+"/resend").want(t, http.StatusSeeOther)
	ada.get(delivery).want(t, http.StatusOK, "200 OK")
	if again := house.posts.sent[1]; string(again.Body) != string(post.Body) || again.ID != post.ID {
		t.Errorf("sent again: %s: %s, first %s: %s", again.ID, again.Body, post.ID, post.Body)
	}

	page := ada.get(endpoint)
	page.want(t, http.StatusOK, "Authorization", "X-B")
	if strings.Contains(page.body, "canary") {
		t.Error("the page shows what a header is")
	}
	ada.post(endpoint, "url", "https://example.com/other").want(t, http.StatusSeeOther)
	ada.get(endpoint).want(t, http.StatusOK, "https://example.com/other", "Authorization")
	ada.post(endpoint, "url", "https://example.com/other", "no_headers", "on").want(t, http.StatusSeeOther)
	if page := ada.get(endpoint); strings.Contains(page.body, "X-B") {
		t.Error("the headers are still there")
	}
	ada.post(endpoint+"/switch", "state", "off").want(t, http.StatusSeeOther)
	ada.get(endpoint).want(t, http.StatusOK, "Paused")
	ada.post(endpoint+"/switch", "state", "on").want(t, http.StatusSeeOther)
	ada.get(endpoint).want(t, http.StatusOK, "Pause")
	ada.post(endpoint+"/remove").want(t, http.StatusSeeOther)
	ada.get(endpoint).want(t, http.StatusNotFound)
	ada.get(delivery).want(t, http.StatusOK, "Removed")
	ada.post(delivery+"/resend").want(t, http.StatusUnprocessableEntity, "Its endpoint is gone")
}

// What cannot be an endpoint is refused with the form as it was typed, but for headers.
func TestWebhookFormRefused(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	got := ada.post(app+"/webhooks", "url", "ftp://example.com", "events", "cache_miss", "prefix", "x-", "headers", "X-A: canary-secret")
	got.want(t, http.StatusUnprocessableEntity, `value="ftp://example.com"`, `value="cache_miss" checked`, `value="x-"`, "begins with https://")
	if strings.Contains(got.body, "canary") {
		t.Error("the page repeats a header")
	}
	ada.post(app+"/webhooks", "url", "https://example.com", "headers", "canary").
		want(t, http.StatusUnprocessableEntity, "Write each header on a line of its own")
	ada.post(app+"/webhooks", "url", "https://example.com", "headers", "Host: canary").
		want(t, http.StatusUnprocessableEntity, "Host is for Halley to set")
	ada.post(app+"/webhooks", "url", "https://example.com").want(t, http.StatusSeeOther)
	ada.get(app+"/webhooks?before=x").want(t, http.StatusOK, "Nothing was sent yet")
}
