package session

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// watchedByMany makes watches that know a hundred users.
func watchedByMany(b *testing.B) (w *watches, users []string) {
	b.Helper()
	n := newWatchNode()
	for i := range pusher.MaxWatchlist {
		users = append(users, fmt.Sprint("user", i))
	}
	n.watches.watch("app", users, func(item) {})
	for _, one := range n.watches.takeUnread() {
		n.watches.look(b.Context(), one)
	}
	return n.watches, users
}

// BenchmarkWatch is what one more connection costs that watches a hundred users: its memory is what is allocated, the first event aside.
func BenchmarkWatch(b *testing.B) {
	w, users := watchedByMany(b)
	b.ReportAllocs()
	for b.Loop() {
		w.watch("app", users, func(item) {})
	}
}

// BenchmarkWatchTurn has a user, whom a thousand connections watch, come and go.
func BenchmarkWatchTurn(b *testing.B) {
	w, users := watchedByMany(b)
	for range 999 {
		w.watch("app", users[:1], func(item) {})
	}
	changed := channel.PresenceChanged{Channel: onlineID(users[0]), Only: true}
	b.ReportAllocs()
	for b.Loop() {
		changed.Version++
		if changed.Action = channel.ActionEnter; changed.Version%2 == 0 {
			changed.Action = channel.ActionLeave
		}
		w.deliver(changed)
	}
}
