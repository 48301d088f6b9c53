package tenant_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/auth"
	"halley/tenant"
)

// TestPusherModel takes two customers' apps through random steps over a few numbers and keys that they fight for, and holds after each
// that a directory which only ever sweeps finds exactly what a model says.
func TestPusherModel(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[0].config(t))
	rapid.Check(t, func(rt *rapid.T) {
		w := newPusherWorld(t, rt, s)
		app := rapid.IntRange(0, len(w.apps)-1)
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { w.check() },
			"bring": func(rt *rapid.T) {
				number, key := rapid.SampledFrom(w.numbers).Draw(rt, "number"), rapid.SampledFrom(w.pool).Draw(rt, "key")
				w.bring(app.Draw(rt, "app"), number, key, rapid.SampledFrom([]string{"s1", "s1", "s2"}).Draw(rt, "secret"))
			},
			"switch": func(rt *rapid.T) { w.turn(app.Draw(rt, "app"), rapid.Bool().Draw(rt, "on")) },
			"roll": func(rt *rapid.T) {
				overlap := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "overlap")
				w.roll(app.Draw(rt, "app"), rapid.SampledFrom(w.pool).Draw(rt, "key"), overlap)
			},
			"revoke": func(rt *rapid.T) { w.revoke(app.Draw(rt, "app"), rapid.SampledFrom(w.pool).Draw(rt, "key")) },
			"delete": func(rt *rapid.T) { w.remove(app.Draw(rt, "app")) },
		})
	})
}

// pusherWorld is the store with its directory, and beside it the model.
type pusherWorld struct {
	t         *testing.T
	rt        *rapid.T
	store     *tenant.Store
	directory *tenant.Directory
	apps      []*pusherSide
	numbers   []string
	pool      []string
}

// pusherSide is an app and what the model knows of its Pusher side.
type pusherSide struct {
	scope  tenant.Scope
	id     string
	number string // empty: it never had one
	on     bool
	keys   map[string]*sideKey
}

// sideKey is alive, rolling (alive until its overlap ends) or dead. The secret is empty where the store made it.
type sideKey struct{ state, secret string }

func newPusherWorld(t *testing.T, rt *rapid.T, s *tenant.Store) *pusherWorld {
	w := &pusherWorld{t: t, rt: rt, store: s, directory: openDirectory(t, s)}
	for range 2 {
		c := newCustomer(t, s)
		w.apps = append(w.apps, &pusherSide{scope: c.scope, id: c.app.ID, keys: map[string]*sideKey{}})
	}
	run := customers.Load() // names that no other run of the check has
	for i := range 3 {
		w.numbers, w.pool = append(w.numbers, fmt.Sprint("n", run, ".", i)), append(w.pool, fmt.Sprint("k", run, ".", i))
	}
	return w
}

// want compares an error of the store with what the model says: the kinds that callers tell apart.
func (w *pusherWorld) want(what string, got, want error) {
	if !sameKind(got, want) {
		w.rt.Fatalf("%s: the store answers %v, the model %v", what, got, want)
	}
}

var errModelInvalid = &tenant.InvalidError{}

func (w *pusherWorld) bring(app int, number, key, secret string) {
	side, other := w.apps[app], w.apps[1-app]
	var want error
	own := side.keys[key]
	switch {
	case other.number == number || other.keys[key] != nil:
		want = errModelInvalid
	case own != nil && (own.state != "alive" || own.secret != secret):
		want = errModelInvalid
	}
	got := w.store.BringPusher(w.t.Context(), side.scope, side.id,
		tenant.PusherCredentials{Number: number, Key: key, Secret: auth.NewSecret(secret)})
	w.want("bring", got, want)
	if want == nil {
		side.number, side.on, side.keys[key] = number, true, &sideKey{"alive", secret}
	}
}

func (w *pusherWorld) turn(app int, on bool) {
	side := w.apps[app]
	var want error
	if !on && side.number == "" {
		want = tenant.ErrNotFound
	}
	w.want("switch", w.store.SwitchPusher(w.t.Context(), side.scope, side.id, on), want)
	if want != nil {
		return
	}
	side.on = on
	if found, err := w.store.Pusher(w.t.Context(), side.scope, side.id); err != nil || side.number != "" && found.Number != side.number {
		w.rt.Fatalf("number %s, %v; want %q kept", found.Number, err, side.number)
	} else {
		side.number = found.Number
	}
	if on {
		w.learn(side, side.count("alive") == 0)
	}
}

// learn takes the keys that the store made into the model: one where it had to, else none.
func (w *pusherWorld) learn(side *pusherSide, one bool) {
	keys, err := w.store.PusherKeys(w.t.Context(), side.scope, side.id)
	if err != nil {
		w.rt.Fatal(err)
	}
	made := 0
	for _, key := range keys {
		if side.keys[key.Key] == nil {
			side.keys[key.Key] = &sideKey{state: "alive"}
			made++
		}
	}
	if one != (made == 1) || made > 1 {
		w.rt.Fatalf("%d keys were made, want one: %v", made, one)
	}
}

func (w *pusherWorld) roll(app int, key string, overlap time.Duration) {
	side := w.apps[app]
	own, want := side.keys[key], error(nil)
	switch {
	case own == nil:
		want = tenant.ErrNotFound
	case own.state != "alive":
		want = errModelInvalid
	}
	_, got := w.store.RollPusherKey(w.t.Context(), side.scope, side.id, key, overlap)
	w.want("roll", got, want)
	if want != nil {
		return
	}
	if own.state = "dead"; overlap > 0 {
		own.state = "rolling"
	}
	w.learn(side, true)
}

func (w *pusherWorld) revoke(app int, key string) {
	side := w.apps[app]
	var want error
	if own := side.keys[key]; own == nil || own.state == "dead" {
		want = tenant.ErrNotFound
	} else {
		own.state = "dead"
	}
	w.want("revoke", w.store.RevokePusherKey(w.t.Context(), side.scope, side.id, key), want)
}

// remove deletes the app and makes another in its place.
func (w *pusherWorld) remove(app int) {
	side := w.apps[app]
	if err := w.store.DeleteApp(w.t.Context(), side.scope, side.id); err != nil {
		w.rt.Fatal(err)
	}
	fresh, err := w.store.CreateApp(w.t.Context(), side.scope, tenant.AppForm{Name: "second"})
	if err != nil {
		w.rt.Fatal(err)
	}
	w.apps[app] = &pusherSide{scope: side.scope, id: fresh.ID, keys: map[string]*sideKey{}}
}

func (s *pusherSide) count(state string) int {
	count := 0
	for _, key := range s.keys {
		if key.state == state {
			count++
		}
	}
	return count
}

// check asks the directory for every number and key there is.
func (w *pusherWorld) check() {
	w.directory.Sweep(w.t.Context())
	names := map[string]bool{}
	for _, name := range append(w.numbers, w.pool...) {
		names[name] = false
	}
	for _, side := range w.apps {
		works := side.on && side.count("alive")+side.count("rolling") > 0
		if got, err := w.directory.PusherOf(side.id); (err == nil) != works || works && got.Number != side.number {
			w.rt.Fatalf("by app: %+v, %v; want number %s: %v", got, err, side.number, works)
		}
		if side.number != "" {
			names[side.number] = works
			w.found("number "+side.number, w.directory.PusherByNumber, side.number, side.id, works)
		}
		for name, key := range side.keys {
			names[name] = side.on && key.state != "dead"
			w.found("key "+name, w.directory.PusherByKey, name, side.id, names[name])
			if got, err := w.directory.PusherByKey(name); err == nil && key.secret != "" && got.Secret.Reveal() != key.secret {
				w.rt.Fatalf("key %s has another secret", name)
			}
		}
	}
	for name, known := range names { // what nobody has any more
		_, byNumber := w.directory.PusherByNumber(name)
		_, byKey := w.directory.PusherByKey(name)
		if !known && (!errors.Is(byNumber, tenant.ErrNotFound) || !errors.Is(byKey, tenant.ErrNotFound)) {
			w.rt.Fatalf("%s is found: %v, %v", name, byNumber, byKey)
		}
	}
}

func (w *pusherWorld) found(what string, ask func(string) (tenant.Pusher, error), name, appID string, want bool) {
	got, err := ask(name)
	if want != (err == nil) || want && got.AppID != appID || !want && !errors.Is(err, tenant.ErrNotFound) {
		w.rt.Fatalf("%s: app %s, %v; want app %s: %v", what, got.AppID, err, appID, want)
	}
}
