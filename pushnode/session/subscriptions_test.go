package session

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

// The set is a map from names to subscriptions, whether it has few or many.
func TestSubscriptionSetIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set subscriptionSet
		model := map[string]*subscription{}
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			name := fmt.Sprint(rapid.IntRange(0, 25).Draw(t, "name"))
			var sub *subscription
			delete(model, name)
			if rapid.IntRange(0, 2).Draw(t, "kept") > 0 {
				sub = &subscription{entry: &entry{id: channel.ID{Name: name}}}
				model[name] = sub
			}
			set.set(name, sub)
			if len(set.list) != len(model) {
				t.Fatalf("%d are in, want %d", len(set.list), len(model))
			}
			for i := range 26 {
				if name := fmt.Sprint(i); set.get(name) != model[name] {
					t.Fatalf("%s is %p, want %p", name, set.get(name), model[name])
				}
			}
		}
	})
}
