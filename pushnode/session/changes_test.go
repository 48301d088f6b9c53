package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"halley/pushnode/channel"
)

// What changes while a set is read is told as it came, behind the set.
func TestChangesWhileTheSetIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		changes int
		want    string
	}{
		"one":             {1, "enter"},
		"some":            {3, "enter"},
		"as many as kept": {256, "enter"},
		"more":            {257, "sync"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.set(func() { h.app.ChannelsPerConnection = 1000 })
				entering := false
				h.set(func() {
					h.after = func(what string) {
						if what != "members" || entering {
							return
						}
						entering = true
						for i := range test.changes {
							h.apply(channel.EnterPresence{
								Channel: channel.ID{App: testApp, Name: "room"}, ClientID: fmt.Sprint(i), Session: "ses_x", Generation: 1,
							})
						}
						for h.more() {
							synctest.Wait()
						}
					}
				})
				s, _ := h.login("")
				s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
				if test.want == "sync" {
					if got := s.want("presence"); got.text("action") != "sync" || got.number("version") != int64(test.changes) {
						t.Fatalf("got %v", got)
					}
				}
				for version := 1; version <= test.changes && test.want != "sync"; version++ {
					if got := s.want("presence"); got.text("action") != test.want || got.number("version") != int64(version) {
						t.Fatalf("got %v, want version %d", got, version)
					}
				}
				h.apply(channel.EnterPresence{
					Channel: channel.ID{App: testApp, Name: "room"}, ClientID: "last", Session: "ses_x", Generation: 1,
				})
				if got := s.want("presence"); got.text("action") != "enter" || got.number("version") != int64(test.changes)+1 {
					t.Errorf("got %v behind them", got)
				}
			})
		})
	}
}

// Changes that are delivered late are known to who has read the set since, the very first one too.
func TestChangesThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		h.set(func() { h.held = true })
		enter := func(client string) {
			h.apply(channel.EnterPresence{
				Channel: channel.ID{App: testApp, Name: "room"}, ClientID: client, Session: "ses_x", Generation: 1,
			})
		}
		enter("ada")
		enter("bob")
		s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
		h.set(func() { h.held = false })
		synctest.Wait()
		enter("cara")
		if got := s.want("presence"); got.text("action") != "enter" || got.number("version") != 3 {
			t.Errorf("got %v, want that cara entered", got)
		}
	})
}
