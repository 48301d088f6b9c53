package console_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"halley/console"
)

const otherPassword = "the tail points away from the sun"

// mailTo waits for the mail to an address whose subject begins so.
func (h *house) mailTo(to, subject string) console.Mail {
	h.tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		for _, mail := range h.outbox.Mails() {
			if mail.To == to && strings.HasPrefix(mail.Subject, subject) {
				return mail
			}
		}
	}
	h.tb.Fatalf("no mail to %s about %q", to, subject)
	return console.Mail{}
}

// localLink is the link of a mail without the host.
func (h *house) localLink(mail console.Mail) string {
	h.tb.Helper()
	return strings.TrimPrefix(find(h.tb, `(http\S+token=\S+)`, mail.Body), h.url)
}

func TestLogInAndOut(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	house.visitor().signUp("ada@example.com")
	ada := house.visitor()
	asked := ada.get("/apps").want(t, http.StatusSeeOther)
	if asked.location != "/login?next=%2Fapps" {
		t.Errorf("sent to %q", asked.location)
	}
	ada.get(asked.location).want(t, http.StatusOK, "Log in")
	in := ada.post("/login", "email", " Ada@Example.com", "password", goodPassword, "next", "/account").
		want(t, http.StatusSeeOther)
	if in.location != "/account" {
		t.Errorf("after log-in: %q", in.location)
	}
	ada.get("/login").want(t, http.StatusSeeOther)
	ada.get("/signup").want(t, http.StatusSeeOther)
	old := ada.cookie()
	ada.post("/logout").want(t, http.StatusSeeOther)
	if ada.cookie() != "" {
		t.Error("the cookie is still there")
	}
	ada.steal(old)
	ada.get("/apps").want(t, http.StatusSeeOther)
}

// steal gives a visitor a cookie from elsewhere.
func (v *visitor) steal(secret string) {
	v.tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.tb.Fatal(err)
	}
	address, err := url.Parse(v.house.url)
	if err != nil {
		v.tb.Fatal(err)
	}
	jar.SetCookies(address, []*http.Cookie{{Name: "halley_session", Value: secret}})
	v.client.Jar = jar
}

// A cookie from before a log-in, planted or stolen, is worth nothing after it; nor is one from before a change of password.
func TestSessionsAreRotated(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	ada.signUp("ada@example.com")
	dead := func(name, secret string) {
		t.Helper()
		thief := house.visitor()
		thief.steal(secret)
		if got := thief.get("/apps"); got.status != http.StatusSeeOther {
			t.Errorf("%s: the old secret still works", name)
		}
	}
	was := ada.cookie()
	ada.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusSeeOther)
	dead("log-in", was)

	victim := house.visitor()
	victim.steal("planted-by-somebody-else")
	victim.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusSeeOther)
	if victim.cookie() == "planted-by-somebody-else" {
		t.Error("a planted secret was kept")
	}

	was = ada.cookie()
	ada.post("/reauth", "password", goodPassword, "next", "/account").want(t, http.StatusSeeOther)
	dead("step-up", was)

	was = ada.cookie()
	ada.post("/account/password", "current", "wrong", "password", otherPassword).
		want(t, http.StatusUnprocessableEntity, "This is not your password.")
	ada.post("/account/password", "current", goodPassword, "password", "short").
		want(t, http.StatusUnprocessableEntity, "15 characters")
	ada.post("/account/password", "current", goodPassword, "password", otherPassword).want(t, http.StatusSeeOther)
	dead("change of password", was)
	ada.get("/account").want(t, http.StatusOK, "This one")
	victim.get("/account").want(t, http.StatusSeeOther) // the other sessions have ended
	victim.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusUnprocessableEntity)
	victim.post("/login", "email", "ada@example.com", "password", otherPassword).want(t, http.StatusSeeOther)
	id := find(t, `/account/sessions/(csn_[0-9a-z]+)/end`, ada.get("/account").body)
	ada.post("/account/sessions/"+id+"/end").want(t, http.StatusSeeOther)
	victim.get("/account").want(t, http.StatusSeeOther)
}

func TestCookies(t *testing.T) {
	t.Parallel()
	signUp := func(house *house) string {
		t.Helper()
		made := house.visitor().post("/signup", "email", "ada@example.com", "password", goodPassword)
		return made.header.Get("Set-Cookie")
	}
	plain, secure := signUp(newHouse(t, nil)), signUp(newSecureHouse(t, nil))
	if !strings.HasPrefix(plain, "halley_session=") || !strings.HasSuffix(plain, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("on http: %s", plain)
	}
	if !strings.HasPrefix(secure, "__Host-halley_session=") ||
		!strings.HasSuffix(secure, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("on https: %s", secure)
	}
	// Of two cookies of the name one was planted by a sister site: neither counts.
	house := newHouse(t, nil)
	ada := house.visitor()
	ada.signUp("ada@example.com")
	got := ada.do(http.MethodGet, "/apps", nil, http.Header{"Cookie": {"halley_session=planted"}})
	got.want(t, http.StatusSeeOther)
}

// An unknown address and a wrong password cannot be told apart, nor can a reset for either.
func TestAnswersSayNothingOfAddresses(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	house.visitor().signUp("ada@example.com")
	stranger := house.visitor()
	same := func(path string, fields ...string) {
		t.Helper()
		known := stranger.post(path, append(fields, "email", "ada@example.com")...)
		unknown := stranger.post(path, append(fields, "email", "eva@example.com")...)
		if known.status != unknown.status || known.body != strings.ReplaceAll(unknown.body, "eva@", "ada@") {
			t.Errorf("%s: %d and %d:\n%s\n%s", path, known.status, unknown.status, textOf(known.body), textOf(unknown.body))
		}
	}
	same("/reset")
	for range 8 { // beyond the failures that cost nothing: the refusals are alike as well
		same("/login", "password", "a wrong password, quite long")
	}
	house.mailTo("ada@example.com", "Set a new password")
	for _, mail := range house.outbox.Mails() {
		if mail.To != "ada@example.com" {
			t.Errorf("a mail went to %s", mail.To)
		}
	}
}

// Where mail confirms addresses, a sign-up says nothing of who has an account.
func TestSignUpWithConfirmation(t *testing.T) {
	t.Parallel()
	house := newHouse(t, func(c *console.Config) { c.ConfirmMail = true })
	stranger := house.visitor()
	first := stranger.post("/signup", "email", "ada@example.com", "password", goodPassword).
		want(t, http.StatusOK, "Check your mail")
	again := stranger.post("/signup", "email", "ada@example.com", "password", otherPassword).want(t, http.StatusOK)
	if first.body != again.body {
		t.Errorf("the answers differ: %s\n%s", textOf(first.body), textOf(again.body))
	}
	house.mailTo("ada@example.com", "You have an account")
	link := house.localLink(house.mailTo("ada@example.com", "Confirm your address"))

	// Before the address is confirmed a log-in leads nowhere, and sends a newer link.
	stranger.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusOK, "Check your mail")
	if stranger.cookie() != "" {
		t.Error("logged in without a confirmed address")
	}
	var newer string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && newer == ""; <-time.After(5 * time.Millisecond) {
		for _, mail := range house.outbox.Mails() {
			if candidate := mail; strings.HasPrefix(mail.Subject, "Confirm") && house.localLink(candidate) != link {
				newer = house.localLink(candidate)
			}
		}
	}
	_, token, _ := strings.Cut(newer, "token=")
	stranger.post("/confirm", "token", "wrong").want(t, http.StatusUnprocessableEntity, "used already")
	stranger.get(newer).want(t, http.StatusOK, "Confirm and continue")
	stranger.post("/confirm", "token", token).want(t, http.StatusSeeOther)
	stranger.post("/confirm", "token", token).want(t, http.StatusUnprocessableEntity, "used already")
	stranger.get("/login?done=confirmed").want(t, http.StatusOK, "Your address is confirmed")
	stranger.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusSeeOther)
	stranger.get("/apps").want(t, http.StatusOK, "My first app")
}

func TestSignUpForm(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	house.visitor().signUp("ada@example.com")
	stranger := house.visitor()
	for _, test := range []struct{ email, password, says string }{
		{"ada", goodPassword, "not an e-mail address"},
		{"bob@example.com", "short", "At least 15 characters"},
		{"bob@example.com", "passwordpassword", "guessed first"},
		{"bob@example.com", "aaaaaaaaaaaaaaaaaaaa", "too regular"},
		{"bartholomew@example.com", "bartholomew-example-1234", "guessed first"},
		{"bob@example.com", strings.Repeat("long enough ", 22), "At most 256"},
	} {
		got := stranger.post("/signup", "email", test.email, "password", test.password).
			want(t, http.StatusUnprocessableEntity, test.says, "Please correct this")
		if !strings.Contains(got.body, `value="`+test.email+`"`) || strings.Contains(got.body, test.password) {
			t.Errorf("%s: the address is not kept, or the password is shown", test.email)
		}
	}
	stranger.post("/signup", "email", "ada@example.com", "password", otherPassword).want(t, http.StatusOK, "Check your mail")
	house.mailTo("ada@example.com", "You have an account")

	closed := newHouse(t, func(c *console.Config) { c.SignUp = console.SignUpClosed })
	closed.visitor().get("/signup").want(t, http.StatusNotFound)
	closed.visitor().post("/signup", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusNotFound)
	if got := closed.visitor().get("/"); got.location != "/login" {
		t.Errorf("home leads to %q", got.location)
	}
	if got := closed.visitor().get("/login"); strings.Contains(got.body, "/signup") {
		t.Error("the log-in offers a sign-up")
	}
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	ada.signUp("ada@example.com")
	elsewhere := house.visitor()
	elsewhere.get("/reset").want(t, http.StatusOK)
	elsewhere.post("/reset", "email", "no address").want(t, http.StatusUnprocessableEntity, "not an e-mail address")
	elsewhere.post("/reset", "email", "ada@example.com").want(t, http.StatusOK, "Check your mail")
	link := house.localLink(house.mailTo("ada@example.com", "Set a new password"))
	_, token, _ := strings.Cut(link, "token=")

	for range 2 { // scanners of mail follow links: nothing is used up
		elsewhere.get(link).want(t, http.StatusOK, "Choose a new password")
	}
	elsewhere.post("/reset/password", "token", token, "password", "short").
		want(t, http.StatusUnprocessableEntity, "15 characters")
	elsewhere.post("/reset/password", "token", token, "password", otherPassword).want(t, http.StatusSeeOther)
	elsewhere.get("/apps?done=password").want(t, http.StatusOK, "The password is set")
	ada.get("/apps").want(t, http.StatusSeeOther) // all earlier sessions have ended
	stranger := house.visitor()
	stranger.post("/reset/password", "token", token, "password", goodPassword).
		want(t, http.StatusUnprocessableEntity, "used already")
	stranger.post("/reset/password", "token", "never issued", "password", goodPassword).
		want(t, http.StatusUnprocessableEntity, "used already")
	stranger.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusUnprocessableEntity)
	if strings.Contains(house.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// One address of the network may try so often, whatever it tries; another is not touched by that.
func TestAttemptsPerAddress(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("2001:db8::1")
	house := newHouse(t, func(c *console.Config) { c.ClientIP = func(*http.Request) netip.Addr { return address } })
	stranger := house.visitor()
	refused := 0
	for range 40 {
		got := stranger.post("/reset", "email", "nobody@example.com")
		if got.status == http.StatusTooManyRequests {
			refused++
			got.want(t, http.StatusTooManyRequests, "Too many attempts", "Wait")
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused < 5 || refused > 10 {
		t.Errorf("%d of 40 were refused, want those beyond the first 30", refused)
	}
	address = netip.MustParseAddr("2001:db8::2") // the same network
	stranger.post("/login", "email", "a@example.com", "password", "x").want(t, http.StatusTooManyRequests)
	stranger.post("/signup", "email", "a@example.com", "password", goodPassword).want(t, http.StatusTooManyRequests)
	address = netip.MustParseAddr("2001:db8:0:1::1")
	stranger.post("/login", "email", "a@example.com", "password", "x").want(t, http.StatusUnprocessableEntity)
}

// Wrong passwords slow the account down, wherever they come from, and a reset frees it at once.
func TestAttemptsPerAccount(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	house.visitor().signUp("ada@example.com")
	stranger := house.visitor()
	for range 5 {
		stranger.post("/login", "email", "ada@example.com", "password", "wrong").want(t, http.StatusUnprocessableEntity)
	}
	stranger.post("/login", "email", "ADA@example.com", "password", goodPassword).
		want(t, http.StatusTooManyRequests, "Wait 1 second")
	stranger.post("/login", "email", "bob@example.com", "password", "wrong").want(t, http.StatusUnprocessableEntity)
	stranger.post("/reset", "email", "ada@example.com").want(t, http.StatusOK)
	_, token, _ := strings.Cut(house.localLink(house.mailTo("ada@example.com", "Set a new password")), "token=")
	stranger.post("/reset/password", "token", token, "password", otherPassword).want(t, http.StatusSeeOther)
	house.visitor().post("/login", "email", "ada@example.com", "password", otherPassword).want(t, http.StatusSeeOther)
}
