package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// The way of a newcomer without JavaScript: two forms from the sign-up to the first message on the page.
func TestTwoFormsToTheFirstMessage(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	ada.get("/").want(t, http.StatusSeeOther)
	ada.get("/signup").want(t, http.StatusOK, "Create your account")
	app, landing := ada.signUp("ada@example.com")

	overview := ada.get(landing).want(t, http.StatusOK, "My first app", "Your secret key", "Waiting for the first message")
	secret := find(t, secretPattern, overview.body)
	publishable := find(t, publishablePattern, overview.body)
	if count := strings.Count(overview.body, secret); count != 5 { // the field and the four programs of servers
		t.Errorf("the secret key stands %d times on the page, want 5", count)
	}
	if !strings.Contains(overview.body, publishable) {
		t.Error("the publishable key is not on the page")
	}

	published := ada.post(app+"/publish", "channel", "hello", "event", "greeting", "data", `{"text":"first"}`)
	published.want(t, http.StatusSeeOther)
	ada.get(published.location).want(t, http.StatusOK, "greeting #1", `"text": "first"`, "Published as msg_", "$HALLEY_KEY")
}
