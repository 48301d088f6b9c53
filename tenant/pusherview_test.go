package tenant_test

import (
	"errors"
	"testing"
	"time"

	"halley/tenant"
)

func testDirectoryPusher(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	app, err := s.Pusher(ctx, c.scope, c.app.ID)
	must(t, err)
	keys, err := s.PusherKeys(ctx, c.scope, c.app.ID)
	must(t, err)
	first := keys[0].Key
	secret, err := s.PusherSecret(ctx, c.scope, c.app.ID, first)
	must(t, err)
	d := openDirectory(t, s)
	running(t, d.Run)
	want := tenant.Pusher{AppID: c.app.ID, Number: app.Number, Key: first, PusherSettings: tenant.DefaultPusherSettings()}
	for name, ask := range map[string]func() (tenant.Pusher, error){
		"by key":    func() (tenant.Pusher, error) { return d.PusherByKey(first) },
		"by number": func() (tenant.Pusher, error) { return d.PusherByNumber(app.Number) },
		"by app":    func() (tenant.Pusher, error) { return d.PusherOf(c.app.ID) },
	} {
		got, err := ask()
		if err != nil || got.Secret.Reveal() != secret.Reveal() {
			t.Errorf("%s: %v, want the secret of the key", name, err)
		}
		if got.Secret = want.Secret; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}

	settings := tenant.PusherSettings{ClientEvents: true, EventBytes: 5}
	must(t, s.SetPusher(ctx, c.scope, c.app.ID, settings))
	eventually(t, soon, "settings", func() bool {
		got, err := d.PusherByKey(first)
		return err == nil && got.PusherSettings == settings
	})
	rolled, err := s.RollPusherKey(ctx, c.scope, c.app.ID, first, time.Hour)
	must(t, err)
	eventually(t, soon, "the new key", func() bool { got, err := d.PusherOf(c.app.ID); return err == nil && got.Key == rolled.Key })
	if got, err := d.PusherByKey(first); err != nil || got.Key != first || got.Secret.Reveal() != secret.Reveal() {
		t.Errorf("the old key in its overlap: %+v, %v", got, err)
	}
	must(t, s.RevokePusherKey(ctx, c.scope, c.app.ID, first))
	eventually(t, soon, "a revoked key is dead", func() bool { _, err := d.PusherByKey(first); return errors.Is(err, tenant.ErrNotFound) })
	if got, err := d.PusherByNumber(app.Number); err != nil || got.Key != rolled.Key {
		t.Errorf("its app: %+v, %v; want the key that is left", got, err)
	}
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, false))
	eventually(t, soon, "an app that is off has gone", func() bool { return gone(d, c.app.ID, app.Number, rolled.Key) })
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	eventually(t, soon, "and is back", func() bool { _, err := d.PusherByNumber(app.Number); return err == nil })
	must(t, s.DeleteApp(ctx, c.scope, c.app.ID))
	eventually(t, soon, "a deleted app has gone", func() bool { return gone(d, c.app.ID, app.Number, rolled.Key) })
}

// gone reports whether no lookup finds an app any more.
func gone(d *tenant.Directory, appID, number, key string) bool {
	_, byApp := d.PusherOf(appID)
	_, byNumber := d.PusherByNumber(number)
	_, byKey := d.PusherByKey(key)
	return errors.Is(byApp, tenant.ErrNotFound) && errors.Is(byNumber, tenant.ErrNotFound) && errors.Is(byKey, tenant.ErrNotFound)
}

// testDirectoryPusherOverlap: the end of an overlap is no change that a node hears of; it looks at the clock.
func testDirectoryPusherOverlap(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	must(t, s.SwitchPusher(t.Context(), c.scope, c.app.ID, true))
	keys, err := s.PusherKeys(t.Context(), c.scope, c.app.ID)
	must(t, err)
	_, err = s.RollPusherKey(t.Context(), c.scope, c.app.ID, keys[0].Key, 300*time.Millisecond)
	must(t, err)
	d := openDirectory(t, s) // which does not run
	eventually(t, soon, "the overlap ends", func() bool {
		_, err := d.PusherByKey(keys[0].Key)
		return errors.Is(err, tenant.ErrNotFound)
	})
	if _, err := d.PusherOf(c.app.ID); err != nil {
		t.Errorf("the key that replaced it: %v", err)
	}
}

// testDirectoryPusherEnds: whoever is connected by a key whose overlap ends must be looked at again, which Changes asks for.
func testDirectoryPusherEnds(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	must(t, s.SwitchPusher(t.Context(), c.scope, c.app.ID, true))
	keys, err := s.PusherKeys(t.Context(), c.scope, c.app.ID)
	must(t, err)
	d := openDirectory(t, s)
	running(t, d.Run)
	_, err = s.RollPusherKey(t.Context(), c.scope, c.app.ID, keys[0].Key, 1500*time.Millisecond)
	must(t, err)
	end := time.After(1500*time.Millisecond + soon)
	for alive := true; alive; { // told when it is rolled, and when it has ended
		select {
		case appID := <-d.Changes():
			_, err := d.PusherByKey(keys[0].Key)
			alive = appID != c.app.ID || err == nil
		case <-end:
			t.Fatal("nobody is told that the key has ended")
		}
	}
}

// testDirectoryPusherKeyOf: whoever names key after key of an app has the database asked once, and not for each.
func testDirectoryPusherKeyOf(t *testing.T, s *tenant.Store) {
	c, other := newCustomer(t, s), newCustomer(t, s)
	d := openDirectory(t, s) // which does not run: only asking helps
	must(t, s.SwitchPusher(t.Context(), c.scope, c.app.ID, true))
	must(t, s.SwitchPusher(t.Context(), other.scope, other.app.ID, true))
	keys, err := s.PusherKeys(t.Context(), c.scope, c.app.ID)
	must(t, err)
	if got, err := d.PusherKeyOf(c.app.ID, keys[0].Key); err != nil || got.Key != keys[0].Key || got.AppID != c.app.ID {
		t.Errorf("key made a moment ago: %+v, %v", got, err)
	}
	if got, err := d.PusherKeyOf(other.app.ID, keys[0].Key); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("another app's key: %+v, %v; want ErrNotFound", got, err)
	}
	if _, err := d.PusherKeyOf(c.app.ID, "nobody's"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("no key: %v, want ErrNotFound", err)
	}
	rolled, err := s.RollPusherKey(t.Context(), c.scope, c.app.ID, keys[0].Key, time.Hour)
	must(t, err)
	if _, err := d.PusherKeyOf(c.app.ID, rolled.Key); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("key made since: %v, want ErrNotFound until the sweep", err)
	}
	running(t, d.Run)
	eventually(t, soon, "the sweep brings it", func() bool { _, err := d.PusherKeyOf(c.app.ID, rolled.Key); return err == nil })
}

func testDirectoryPusherLookUp(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s) // which does not run: only asking helps
	late, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "late"})
	must(t, err)
	must(t, s.SwitchPusher(t.Context(), c.scope, late.ID, true))
	app, err := s.Pusher(t.Context(), c.scope, late.ID)
	must(t, err)
	keys, err := s.PusherKeys(t.Context(), c.scope, late.ID)
	must(t, err)
	if got, err := d.PusherByKey(keys[0].Key); err != nil || got.AppID != late.ID {
		t.Errorf("key made a moment ago: %+v, %v", got, err)
	}
	if got, err := d.PusherByNumber(app.Number); err != nil || got.AppID != late.ID {
		t.Errorf("number given a moment ago: %+v, %v", got, err)
	}
	if _, err := d.PusherByKey("nobody's"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("no key: %v, want ErrNotFound", err)
	}
	if _, err := d.PusherByNumber("1"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("no number: %v, want ErrNotFound", err)
	}
	if _, err := d.PusherOf(c.app.ID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("app without Pusher: %v, want ErrNotFound", err)
	}
}
