package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/auth"
)

// A client that polls is warned as soon as one on a socket is, and once of each token: a warning with every poll would leave none
// of them anything to wait for.
func TestPollIsWarnedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		h := open(t, func(_ *sessionConfig, n *node) {
			for i, name := range []string{"short", "long"} {
				n.grants[name] = &auth.Grant{Kind: auth.KindToken, AppID: testApp, ExpiresAt: began.Add(time.Duration(70+40*i) * time.Second)}
			}
		})
		at := func(want time.Duration, what string) {
			t.Helper()
			if waited := time.Since(began); waited != want {
				t.Errorf("%s after %v, want %v", what, waited, want)
			}
		}
		_, first := h.get("/v1/poll?token=short&session=new&channel=news", nil)
		resume := object(first["connected"].(map[string]any)).text("resume")
		cursor := escape(first.text("cursor"))
		poll := func(token string) (int, object) {
			return h.get("/v1/poll?token="+token+"&session="+resume+"&cursor="+cursor, nil)
		}
		_, warned := poll("short")
		at(10*time.Second, "the warning came")
		if pushes := fmt.Sprint(warned["pushes"]); !strings.Contains(pushes, "expiring") || !strings.Contains(pushes, "in:60000") {
			t.Errorf("the pushes are %v", pushes)
		}
		if _, quiet := poll("short"); quiet["pushes"] != nil {
			t.Errorf("it is warned again: %v", quiet)
		}
		at(35*time.Second, "the next answer came")
		if _, again := poll("long"); !strings.Contains(fmt.Sprint(again["pushes"]), "expiring") {
			t.Errorf("it is not warned of the next token: %v", again)
		}
		at(50*time.Second, "the warning of the next token came")
		for range 3 {
			if status, _ := poll("long"); status != http.StatusOK {
				t.Errorf("a poll up to the end of its token answered %d", status)
			}
		}
		at(110*time.Second, "the token ended")
		if status, answer := poll("long"); status != http.StatusUnauthorized || answer.code() != 4210 {
			t.Errorf("a poll with a token that has ended answered %d %v", status, answer)
		}
		at(110*time.Second, "the refusal came")
	})
}
