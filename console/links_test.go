package console_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/console"
)

// links lists the links that were mailed to an address, after everything has been sent: mails go out in the order in which they
// were asked for, so another address's mail comes last.
func (h *house) links(address, last, subject string) []string {
	h.tb.Helper()
	h.mailTo(last, subject)
	var links []string
	for _, mail := range h.outbox.Mails() {
		if mail.To == address && strings.HasPrefix(mail.Subject, subject) {
			links = append(links, h.localLink(mail))
		}
	}
	return links
}

func tokenOf(link string) string {
	_, token, _ := strings.Cut(link, "token=")
	return token
}

// counted is the value of a counter, all its labels together.
func counted(t *testing.T, registry *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, one := range family.GetMetric() {
				sum += one.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// A stranger who asks for links to somebody's address neither ends the one that the owner waits for nor fills the mailbox.
func TestStrangersLeaveLinksAlone(t *testing.T) {
	t.Parallel()
	registry, log := prometheus.NewRegistry(), &logBook{}
	house := newHouse(t, func(c *console.Config) {
		c.Registerer = registry
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	house.visitor().signUp("ada@example.com")
	house.visitor().signUp("bob@example.com")
	owner, stranger := house.visitor(), house.visitor()
	asked := owner.post("/reset", "email", "ada@example.com").want(t, http.StatusOK, "Check your mail")
	for range 10 {
		if got := stranger.post("/reset", "email", "Ada@Example.com"); got.status != asked.status ||
			strings.ReplaceAll(got.body, "Ada@Example.com", "ada@example.com") != asked.body {
			t.Fatalf("beyond the bound the answer is another: %d %s", got.status, textOf(got.body))
		}
	}
	stranger.post("/reset", "email", "bob@example.com")
	sent := house.links("ada@example.com", "bob@example.com", "Set a new password")
	if len(sent) != 3 {
		t.Fatalf("%d links were sent, want 3", len(sent))
	}
	if got := counted(t, registry, "halley_console_mails_withheld_total"); got != 8 {
		t.Errorf("%v mails were counted as withheld, want 8", got)
	}
	if strings.Count(log.String(), "mail withheld") != 8 || strings.Contains(log.String(), "ada@") {
		t.Errorf("the log says\n%s", log.String())
	}
	owner.post("/reset/password", "token", tokenOf(sent[0]), "password", otherPassword).want(t, http.StatusSeeOther)
	for _, link := range sent { // none is good after one was used
		stranger.post("/reset/password", "token", tokenOf(link), "password", goodPassword).
			want(t, http.StatusUnprocessableEntity, "it or another was used already")
	}
}

// frailMailer is an outbox that can be down.
type frailMailer struct {
	outbox
	down  atomic.Bool
	tried chan struct{} // after each mail
}

func (f *frailMailer) Send(ctx context.Context, mail console.Mail) error {
	defer func() { f.tried <- struct{}{} }()
	if f.down.Load() {
		return errors.New("connection refused")
	}
	return f.outbox.Send(ctx, mail)
}

// While no mail goes out, nobody has had one: asking again brings one as soon as it does, and a link from before is as good as
// ever.
func TestMailsThatWereNotSentDoNotCount(t *testing.T) {
	t.Parallel()
	mailer := &frailMailer{tried: make(chan struct{}, 1)}
	house := newHouse(t, func(c *console.Config) { c.Mailer = mailer })
	house.visitor().signUp("ada@example.com")
	for _, form := range []string{"/reset", "/signup"} { // the second is taken
		ask := func() {
			house.visitor().post(form, "email", "ada@example.com", "password", goodPassword).want(t, http.StatusOK, "Check your mail")
			select {
			case <-mailer.tried:
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: no mail is even tried", form)
			}
		}
		ask()
		mailer.down.Store(true)
		for range 5 {
			ask()
		}
		mailer.down.Store(false)
		ask()
	}
	sent := mailer.Mails()
	if len(sent) != 4 {
		t.Fatalf("%d mails were sent, want two of each kind: %v", len(sent), sent)
	}
	first := tokenOf(house.localLink(sent[0]))
	house.visitor().post("/reset/password", "token", first, "password", otherPassword).want(t, http.StatusSeeOther)
}

// Who logs in before the first mail has come gets another, and may follow either.
func TestFirstConfirmationLinkStaysGood(t *testing.T) {
	t.Parallel()
	house := newHouse(t, func(c *console.Config) { c.ConfirmMail = true })
	ada := house.visitor()
	ada.post("/signup", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusOK)
	for range 5 {
		ada.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusOK, "Check your mail")
	}
	house.visitor().post("/signup", "email", "bob@example.com", "password", goodPassword).want(t, http.StatusOK)
	sent := house.links("ada@example.com", "bob@example.com", "Confirm your address")
	if len(sent) != 3 {
		t.Fatalf("%d links were sent, want 3", len(sent))
	}
	ada.post("/confirm", "token", tokenOf(sent[0])).want(t, http.StatusSeeOther)
	ada.post("/confirm", "token", tokenOf(sent[2])).want(t, http.StatusUnprocessableEntity, "it or another was used already")
	ada.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusSeeOther)
}

// Within the life of a link to set a password no more are sent than leave it good, and the buckets are bounded.
func TestMailBuckets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		buckets := &console.MailBuckets{}
		taken := func(kind, email string) (count int) {
			for buckets.Take(kind, email) {
				count++
			}
			return count
		}
		if got := taken("reset", "ada"); got != 3 {
			t.Errorf("%d mails at once, want 3", got)
		}
		if taken("verify", "ada") != 3 || taken("reset", "bob") != 3 {
			t.Error("another kind or address is touched by that")
		}
		time.Sleep(30*time.Minute - time.Second)
		if got := taken("reset", "ada"); got != 0 {
			t.Errorf("%d mails while the first links live, want none", got)
		}
		time.Sleep(time.Second)
		if got := taken("reset", "ada"); got != 1 {
			t.Errorf("%d mails after half an hour, want 1", got)
		}
		buckets.GiveBack("reset", "ada")
		if got := taken("reset", "ada"); got != 1 {
			t.Errorf("%d mails after one was given back, want 1", got)
		}
		for n := range console.MaxThrottled {
			buckets.Take("many", strconv.Itoa(n))
		}
		if buckets.Take("reset", "late") {
			t.Error("there is no bound")
		}
		time.Sleep(31 * time.Minute)
		if !buckets.Take("reset", "late") {
			t.Error("there is no room after old buckets have filled up")
		}
	})
}
