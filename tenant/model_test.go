package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/tenant"
)

// world is one store, or the model of one: what a customer can do to apps and keys. Things are named by the order they were made
// in, since ids are random.
type world interface {
	createApp(name string) error
	deleteApp(app int) error
	disable(app int, disabled bool) error
	createKey(app int) error
	rollKey(app, key int, overlap time.Duration) error
	revokeKey(app, key int) error
	// state is everything that can be seen, as text.
	state() string
}

// TestModel drives both stores and a model through the same random steps and compares what each answers and shows.
func TestModel(t *testing.T) {
	t.Parallel()
	var stores []*tenant.Store
	for _, db := range databases() {
		stores = append(stores, open(t, db.config(t)))
	}
	rapid.Check(t, func(rt *rapid.T) {
		worlds := []world{&model{}}
		for _, s := range stores {
			worlds = append(worlds, newStoreWorld(t, s))
		}
		each := func(what string, do func(w world) error) {
			want := do(worlds[0])
			for i, w := range worlds[1:] {
				if got := do(w); !sameKind(got, want) {
					rt.Fatalf("%s: store %d answers %v, the model %v", what, i, got, want)
				}
			}
		}
		app := rapid.IntRange(0, 3)
		key := rapid.IntRange(0, 4)
		rt.Repeat(map[string]func(*rapid.T){
			"create app": func(rt *rapid.T) {
				name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name")
				each("create app", func(w world) error { return w.createApp(name) })
			},
			"delete app": func(rt *rapid.T) {
				a := app.Draw(rt, "app")
				each("delete app", func(w world) error { return w.deleteApp(a) })
			},
			"disable app": func(rt *rapid.T) {
				a, disabled := app.Draw(rt, "app"), rapid.Bool().Draw(rt, "disabled")
				each("disable app", func(w world) error { return w.disable(a, disabled) })
			},
			"create key": func(rt *rapid.T) {
				a := app.Draw(rt, "app")
				each("create key", func(w world) error { return w.createKey(a) })
			},
			"roll key": func(rt *rapid.T) {
				a, k := app.Draw(rt, "app"), key.Draw(rt, "key")
				overlap := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "overlap")
				each("roll key", func(w world) error { return w.rollKey(a, k, overlap) })
			},
			"revoke key": func(rt *rapid.T) {
				a, k := app.Draw(rt, "app"), key.Draw(rt, "key")
				each("revoke key", func(w world) error { return w.revokeKey(a, k) })
			},
		})
		want := worlds[0].state()
		for i, w := range worlds[1:] {
			if got := w.state(); got != want {
				rt.Fatalf("store %d shows\n%s\nthe model\n%s", i, got, want)
			}
		}
	})
}

// sameKind compares errors as callers do.
func sameKind(a, b error) bool {
	var wrongA, wrongB *tenant.InvalidError
	for _, sentinel := range []error{tenant.ErrNotFound, tenant.ErrConflict} {
		if errors.Is(a, sentinel) != errors.Is(b, sentinel) {
			return false
		}
	}
	return (a == nil) == (b == nil) && errors.As(a, &wrongA) == errors.As(b, &wrongB)
}

// model is what the store promises, in its simplest form.
type model struct {
	apps []*modelApp
}

type modelApp struct {
	name              string
	disabled, deleted bool
	keys              []*modelKey
}

// modelKey is alive, rolling (alive until its overlap ends) or dead.
type modelKey struct{ state string }

func (m *model) app(i int) (*modelApp, error) {
	if i >= len(m.apps) || m.apps[i].deleted {
		return nil, tenant.ErrNotFound
	}
	return m.apps[i], nil
}

func (m *model) key(app, i int) (*modelApp, *modelKey, error) {
	a, err := m.app(app)
	if err == nil && i >= len(a.keys) {
		err = tenant.ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	return a, a.keys[i], nil
}

func (m *model) createApp(name string) error {
	for _, a := range m.apps {
		if a.name == name && !a.deleted {
			return tenant.ErrConflict
		}
	}
	m.apps = append(m.apps, &modelApp{name: name})
	return nil
}

func (m *model) deleteApp(app int) error {
	a, err := m.app(app)
	if err == nil {
		a.deleted = true
	}
	return err
}

func (m *model) disable(app int, disabled bool) error {
	a, err := m.app(app)
	if err == nil {
		a.disabled = disabled
	}
	return err
}

func (m *model) createKey(app int) error {
	a, err := m.app(app)
	if err == nil {
		a.keys = append(a.keys, &modelKey{"alive"})
	}
	return err
}

func (m *model) rollKey(app, key int, overlap time.Duration) error {
	a, k, err := m.key(app, key)
	if err != nil {
		return err
	}
	if k.state != "alive" {
		return &tenant.InvalidError{}
	}
	if k.state = "dead"; overlap > 0 {
		k.state = "rolling"
	}
	a.keys = append(a.keys, &modelKey{"alive"})
	return nil
}

func (m *model) revokeKey(app, key int) error {
	_, k, err := m.key(app, key)
	if err != nil {
		return err
	}
	if k.state == "dead" {
		return tenant.ErrNotFound
	}
	k.state = "dead"
	return nil
}

func (m *model) state() string {
	var lines []string
	for i, a := range m.apps {
		if a.deleted {
			continue
		}
		line := fmt.Sprintf("%d %s disabled=%v", i, a.name, a.disabled)
		for _, k := range a.keys {
			line += " " + k.state
		}
		lines = append(lines, line)
	}
	return fmt.Sprint(lines)
}

// storeWorld is a customer of a store.
type storeWorld struct {
	t     *testing.T
	store *tenant.Store
	scope tenant.Scope
	apps  []string   // ids, in the order they were made
	keys  [][]string // of each app
}

func newStoreWorld(t *testing.T, s *tenant.Store) *storeWorld {
	c := newCustomer(t, s)
	list, err := s.Apps(t.Context(), c.scope)
	must(t, err)
	for _, app := range list {
		must(t, s.DeleteApp(t.Context(), c.scope, app.ID))
	}
	return &storeWorld{t: t, store: s, scope: c.scope}
}

func (w *storeWorld) app(i int) string {
	if i >= len(w.apps) {
		return "app_none"
	}
	return w.apps[i]
}

func (w *storeWorld) key(app, i int) string {
	if app >= len(w.keys) || i >= len(w.keys[app]) {
		return "none"
	}
	return w.keys[app][i]
}

func (w *storeWorld) createApp(name string) error {
	app, err := w.store.CreateApp(w.t.Context(), w.scope, tenant.AppForm{Name: name})
	if err == nil {
		w.apps, w.keys = append(w.apps, app.ID), append(w.keys, nil)
	}
	return err
}

func (w *storeWorld) deleteApp(app int) error {
	return w.store.DeleteApp(w.t.Context(), w.scope, w.app(app))
}

func (w *storeWorld) disable(app int, disabled bool) error {
	found, err := w.store.App(w.t.Context(), w.scope, w.app(app))
	if err != nil {
		return err
	}
	form := found.Form()
	form.Disabled = disabled
	return w.store.UpdateApp(w.t.Context(), w.scope, w.app(app), form)
}

func (w *storeWorld) createKey(app int) error {
	key, _, err := w.store.CreateKey(w.t.Context(), w.scope, w.app(app), tenant.KeyForm{Kind: secretKind})
	if err == nil {
		w.keys[app] = append(w.keys[app], key.ID)
	}
	return err
}

func (w *storeWorld) rollKey(app, key int, overlap time.Duration) error {
	fresh, _, err := w.store.RollKey(w.t.Context(), w.scope, w.app(app), w.key(app, key), overlap)
	if err == nil {
		w.keys[app] = append(w.keys[app], fresh.ID)
	}
	return err
}

func (w *storeWorld) revokeKey(app, key int) error {
	return w.store.RevokeKey(w.t.Context(), w.scope, w.app(app), w.key(app, key))
}

func (w *storeWorld) state() string {
	var lines []string
	for i, id := range w.apps {
		app, err := w.store.App(w.t.Context(), w.scope, id)
		if errors.Is(err, tenant.ErrNotFound) {
			continue
		}
		must(w.t, err)
		line := fmt.Sprintf("%d %s disabled=%v", i, app.Name, app.Disabled)
		keys, err := w.store.Keys(w.t.Context(), w.scope, id)
		must(w.t, err)
		for _, keyID := range w.keys[i] {
			at := slices.IndexFunc(keys, func(k tenant.Key) bool { return k.ID == keyID })
			line += " " + keyState(keys[at])
		}
		lines = append(lines, line)
	}
	return fmt.Sprint(lines)
}

func keyState(key tenant.Key) string {
	switch {
	case !key.Alive(time.Now()):
		return "dead"
	case !key.RevokedAt.IsZero():
		return "rolling"
	default:
		return "alive"
	}
}
