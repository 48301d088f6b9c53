package session_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// signIn asks to sign in with the data of a user, as the app's server signs it.
func (s *pusherSocket) signIn(userData string) {
	s.tb.Helper()
	s.event("pusher:signin", "", map[string]string{
		"user_data": userData, "auth": pusher.Sign("abc", "secret of abc", pusher.UserText(s.id, userData)),
	})
}

// signedIn is signIn, which must succeed.
func (s *pusherSocket) signedIn(userData string) {
	s.tb.Helper()
	s.signIn(userData)
	if got := s.wantEvent("pusher:signin_success").data(s.tb).text("user_data"); got != userData {
		s.tb.Fatalf("signed in with %s, want %s", got, userData)
	}
}

// wantWatched is the next frame, which must tell of these users and nobody else.
func (s *pusherSocket) wantWatched(online, offline string) {
	s.tb.Helper()
	var events []string
	for _, one := range []string{`"online","user_ids":[` + online, `"offline","user_ids":[` + offline} {
		if !strings.HasSuffix(one, "[") {
			events = append(events, `{"name":`+one+`]}`)
		}
	}
	s.wantData("pusher_internal:watchlist_events", `{"events":[`+strings.Join(events, ",")+`]}`)
}

func TestPusherSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		s.ask("#server-to-user-ann", "")
		s.wantRefusal("#server-to-user-ann", 401)
		s.signedIn(`{"id": "ann", "user_info": {"name": "Ann"}}`)
		s.subscribe("#server-to-user-ann", "")
		s.ask("#server-to-user-bob", "")
		s.wantRefusal("#server-to-user-bob", 401)
		other.signedIn(`{"id":"bob"}`)
		other.subscribe("#server-to-user-bob", "")
		h.apply(channel.Publish{
			Channel: channel.ID{App: testApp, Name: "#server-to-user-ann"}, ID: "1", Event: "greeting", Data: []byte(`"hello"`),
			Retention: channel.DefaultRetention,
		})
		if got := s.wantData("greeting", "hello"); got.text("channel") != "#server-to-user-ann" {
			t.Errorf("the event is %v", got)
		}
		other.wantNothing()

		s.signedIn(`{"id":"ann"}`) // again
		s.signIn(`{"id":"bob"}`)
		s.wantError(4009)
		s.wantNothing()
		members, _, _ := h.Members(t.Context(), channel.ID{App: testApp, Name: "#online-ann"})
		if len(members) != 1 || members[0].Session != s.id {
			t.Errorf("online as ann are %+v", members)
		}
	})
}

func TestPusherSignInRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		signature := pusher.Sign("abc", "secret of abc", pusher.UserText(other.id, `{"id":"ann"}`))
		for name, fields := range map[string]map[string]string{
			"another connection's": {"user_data": `{"id":"ann"}`, "auth": signature},
			"no signature":         {"user_data": `{"id":"ann"}`},
			"nothing":              {},
		} {
			s.event("pusher:signin", "", fields)
			if fault := s.wantError(4009); strings.Contains(fault.text("message"), signature) && name == "nothing" {
				t.Errorf("%s: %v", name, fault)
			}
		}
		for _, userData := range []string{``, `null`, `{}`, `{"id":""}`, `{"id":"a","watchlist":[{}]}`} {
			s.signIn(userData)
			s.wantError(4009)
		}
		s.ask("#server-to-user-ann", "")
		s.wantRefusal("#server-to-user-ann", 401)
		s.ask("#online-ann", "")
		s.wantRefusal("#online-ann", 400)
		s.signedIn(`{"id":"ann"}`)
	})
}

// Who signed in need not say again who it is.
func TestPusherPresenceOfWhoSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.ask("presence-room", "")
		s.wantRefusal("presence-room", 400)
		s.signedIn(`{"id":7,"user_info":{"name":"Ann"}}`)
		answer := s.subscribe("presence-room", "")
		if want := `{"presence":{"ids":[7],"hash":{"7":{"name":"Ann"}},"count":1}}`; answer.text("data") != want {
			t.Errorf("told %s, want %s", answer.text("data"), want)
		}
		answer = s.subscribe("presence-other", `{"user_id":"someone"}`)
		if want := `{"presence":{"ids":["someone"],"hash":{"someone":null},"count":1}}`; answer.text("data") != want {
			t.Errorf("told %s, want %s", answer.text("data"), want)
		}
	})
}

func TestPusherWatchlist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		bob, watcher := h.pusher(), h.pusher()
		bob.signedIn(`{"id":"bob"}`)
		watcher.signedIn(`{"id":"ann","watchlist":["bob","cara","ann"]}`)
		watcher.wantWatched(`"bob","ann"`, `"cara"`)

		cara := h.pusher()
		cara.subscribe("presence-room", `{"user_id":"cara"}`)
		watcher.wantNothing() // to be present is not to be online
		cara.signedIn(`{"id":"cara"}`)
		watcher.wantWatched(`"cara"`, ``)
		second := h.pusher()
		second.signedIn(`{"id":"cara"}`)
		cara.hangUp()
		watcher.wantNothing() // the other one is there
		second.hangUp()
		watcher.wantWatched(``, `"cara"`)

		late := h.pusher()
		late.signedIn(`{"id":"dan","watchlist":["cara"]}`)
		late.wantWatched(``, `"cara"`)
		late.signedIn(`{"id":"dan","watchlist":["bob"]}`) // the first list stays
		watcher.hangUp()
		bob.hangUp()
		late.wantNothing()
	})
}

func TestPusherWatchlistTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ids := make([]string, pusher.MaxWatchlist+1)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"u%d"`, i)
		}
		s := h.pusher()
		s.signedIn(`{"id":"ann","watchlist":[` + strings.Join(ids, ",") + `]}`)
		s.wantError(4302)
		s.wantWatched(``, strings.Join(ids[:pusher.MaxWatchlist], ","))
		last := h.pusher()
		last.signedIn(`{"id":"u100"}`)
		s.wantNothing()
		first := h.pusher()
		first.signedIn(`{"id":"u0"}`)
		s.wantWatched(`"u0"`, ``)
	})
}

// A user's connections are ended by that name, and not those that are present under it.
func TestPusherDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.set(func() { h.grants["ann"] = &auth.Grant{Kind: auth.KindToken, AppID: testApp, ClientID: "ann"} })
		native := h.connect("token=ann")
		native.want("connected")
		signedIn, present, other := h.pusher(), h.pusher(), h.pusher()
		signedIn.signedIn(`{"id":"ann"}`)
		other.signedIn(`{"id":"bob","watchlist":["ann"]}`)
		other.wantWatched(`"ann"`, ``)
		present.subscribe("presence-room", `{"user_id":"ann"}`)
		ended := h.server.Disconnect(context.Background(), testApp, "ann", "", wire.NewError(wire.CodeDisconnected))
		if len(ended) != 2 {
			t.Errorf("%v were ended", ended)
		}
		signedIn.wantError(4009)
		signedIn.wantClose(4009)
		native.wantClose(int(wire.CodeDisconnected))
		other.wantWatched(``, `"ann"`)
		present.wantNothing()
	})
}

// Who signs in and cannot be made a member is not signed in; a slot that does not answer sends the client away.
func TestPusherSignInFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		h.set(func() { h.unentered = wire.Errorf(wire.CodeLimitExceeded, "no more channels") })
		s.signIn(`{"id":"ann"}`)
		s.wantError(int64(wire.CodeLimitExceeded))
		s.ask("#server-to-user-ann", "")
		s.wantRefusal("#server-to-user-ann", 401)
		h.set(func() { h.unentered = wire.NewError(wire.CodeUnavailable) })
		s.signIn(`{"id":"ann"}`)
		s.wantError(int64(wire.CodeUnavailable))
		s.wantClose(int(wire.CodeUnavailable))
	})
}

// TestPusherUserSurvivesRecheck changes the app's settings: what a connection signed in for stays.
func TestPusherUserSurvivesRecheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.signedIn(`{"id":"ann"}`)
		s.subscribe("#server-to-user-ann", "")
		h.server.Recheck(testApp)
		synctest.Wait()
		s.event("pusher:unsubscribe", "", map[string]string{"channel": "#server-to-user-ann"})
		s.wantNothing()
	})
}
