package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// watchNode is a slot whose changes of presence reach the watches when the test wants it so.
type watchNode struct {
	Channels
	watches  *watches
	state    *channel.State
	now      int64
	effects  []channel.Effect   // not delivered yet
	followed map[channel.ID]int // how many follow, as it was said last
	reading  func()             // nil, or called before and after the state is read
	failing  atomic.Bool        // reads fail
	reads    atomic.Int64
}

func newWatchNode() *watchNode {
	n := &watchNode{state: channel.NewState(1), followed: map[channel.ID]int{}}
	n.watches = newWatches(time.Second, n)
	return n
}

func (n *watchNode) Follow(id channel.ID, subscriptions int) { n.followed[id] = subscriptions }

func (n *watchNode) Present(_ context.Context, id channel.ID) (int, uint64, error) {
	n.reads.Add(1)
	if n.failing.Load() {
		return 0, 0, errors.New("the tests want it so")
	}
	if n.reading != nil {
		n.reading()
		defer n.reading()
	}
	info, _ := n.state.Info(id)
	return info.Users, info.Version, nil
}

func onlineID(user string) channel.ID {
	return channel.ID{App: "app", Name: pusher.OnlineChannel(user)}
}

func (n *watchNode) apply(command channel.Command) {
	_, effects := n.state.Apply(n.now, []channel.Command{command})
	for _, effect := range effects {
		if changed, ok := effect.(channel.PresenceChanged); ok && n.followed[changed.Channel] > 0 {
			n.effects = append(n.effects, changed)
		}
	}
}

func (n *watchNode) enter(user, session string) {
	n.apply(channel.EnterPresence{Channel: onlineID(user), ClientID: clientOf(user, session), Session: session, Generation: 1})
}

func (n *watchNode) leave(user, session string) {
	n.apply(channel.LeavePresence{Channel: onlineID(user), ClientID: clientOf(user, session), Session: session, Generation: 1})
}

// clientOf is the client id of a session's record, which is not always that of its user.
func clientOf(user, session string) string {
	if session == "1.3" {
		return "guest"
	}
	return user
}

// deliver hands over the next change, or has it lost: then it is told later which version there is.
func (n *watchNode) deliver(lost bool) {
	if len(n.effects) == 0 {
		return
	}
	changed := n.effects[0].(channel.PresenceChanged)
	n.effects = n.effects[1:]
	if !lost {
		n.watches.deliver(changed)
		return
	}
	info, _ := n.state.Info(changed.Channel)
	n.effects = slices.DeleteFunc(n.effects, func(e channel.Effect) bool { return e.(channel.PresenceChanged).Channel == changed.Channel })
	n.watches.behind(changed.Channel, info.Version)
}

// readAll reads who is to be read.
func (n *watchNode) readAll(t *rapid.T) {
	unread := n.watches.takeUnread()
	slices.SortFunc(unread, func(a, b *watched) int { return a.id.Compare(b.id) })
	for _, one := range unread {
		n.watches.look(t.Context(), one)
	}
}

func (n *watchNode) online(user string) bool {
	info, _ := n.state.Info(onlineID(user))
	return info.Members > 0
}

// watcher is a connection that watches.
type watcher struct {
	fail   func(format string, args ...any)
	list   *watchlist
	users  []string
	events int
	online map[string]bool
}

func (w *watcher) tell(told item) {
	event := told.own.frame[bytes.IndexByte(told.own.frame, '{'):]
	var frame struct{ Event, Data string }
	var data struct {
		Events []struct {
			Name    string
			UserIDs []string `json:"user_ids"`
		}
	}
	if err := errors.Join(json.Unmarshal(event, &frame), json.Unmarshal([]byte(frame.Data), &data)); err != nil {
		w.fail("%s: %v", event, err)
	}
	w.events++
	heard := 0
	for _, one := range data.Events {
		for _, user := range one.UserIDs {
			heard++
			online := one.Name == "online"
			if known, told := w.online[user]; told && known == online {
				w.fail("%s is told again to be %s", user, one.Name)
			}
			w.online[user] = online
		}
	}
	if w.events == 1 && heard != len(w.users) {
		w.fail("the first event tells of %d users of %v: %s", heard, w.users, event)
	}
}

// told is what it was told up to now.
func (w *watcher) told(n *watchNode) string {
	n.watches.mu.Lock()
	defer n.watches.mu.Unlock()
	return fmt.Sprint(w.online)
}

func (n *watchNode) watch(fail func(string, ...any), users ...string) *watcher {
	w := &watcher{fail: fail, users: users, online: map[string]bool{}}
	w.list = n.watches.watch("app", users, w.tell)
	return w
}

// TestWatchesAgainstTheSlot does at random what can happen to users and to those who watch them, with changes that are late or lost and
// reads that are overtaken by changes. In the end all who watch know what is so, and nobody was told anything twice.
func TestWatchesAgainstTheSlot(t *testing.T) {
	t.Parallel()
	users, sessions := []string{"ann", "bob"}, []string{"1.1", "1.2", "1.3"}
	rapid.Check(t, func(t *rapid.T) {
		n := newWatchNode()
		var watchers []*watcher
		user := func() string { return rapid.SampledFrom(users).Draw(t, "user") }
		change := func() {
			session := rapid.SampledFrom(sessions).Draw(t, "session")
			if rapid.Bool().Draw(t, "enter") {
				n.enter(user(), session)
			} else {
				n.leave(user(), session)
			}
		}
		deliver := func() { n.deliver(rapid.IntRange(0, 5).Draw(t, "lost") == 0) }
		depth := 0
		n.reading = func() {
			depth++
			defer func() { depth-- }()
			for range rapid.IntRange(0, 4).Draw(t, "meanwhile") {
				switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
				case what == 0:
					change()
				case what == 1:
					deliver()
				case depth < 3:
					n.readAll(t) // a read that began later may end earlier
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"change":  func(*rapid.T) { change() },
			"deliver": func(*rapid.T) { deliver() },
			"read":    func(t *rapid.T) { n.readAll(t) },
			"forget": func(t *rapid.T) { // channels without members are dropped in time, and their versions begin again: no change is so late
				for len(n.effects) > 0 {
					deliver()
				}
				for _, ttl := range []time.Duration{time.Minute, channel.TombstoneTTL} {
					n.now += ttl.Milliseconds() + 1
					n.apply(channel.Advance{})
				}
			},
			"watch": func(t *rapid.T) {
				watchers = append(watchers, n.watch(t.Fatalf, users[:rapid.IntRange(1, 2).Draw(t, "users")]...))
			},
			"unwatch": func(t *rapid.T) {
				if len(watchers) == 0 {
					t.Skip("nobody watches")
				}
				gone := rapid.IntRange(0, len(watchers)-1).Draw(t, "who")
				n.watches.unwatch(watchers[gone].list)
				watchers[gone].list.tell = nil // to be told from now on is a fault
				watchers = slices.Delete(watchers, gone, gone+1)
			},
			"": func(t *rapid.T) { n.checkFollowed(t, watchers) },
		})
		n.reading = nil
		for len(n.effects) > 0 || len(n.watches.unread) > 0 {
			n.deliver(false)
			n.readAll(t)
		}
		for _, w := range watchers {
			for _, user := range w.users {
				if online, told := w.online[user]; !told || online != n.online(user) {
					t.Errorf("%s is online: %t; told %t, %t", user, n.online(user), told, online)
				}
			}
		}
	})
}

// checkFollowed holds that exactly who is watched is followed.
func (n *watchNode) checkFollowed(t *rapid.T, watchers []*watcher) {
	wanted := map[channel.ID]int{}
	for _, w := range watchers {
		for _, user := range w.users {
			wanted[onlineID(user)] = 1
		}
	}
	for id, count := range n.followed {
		if count != wanted[id] {
			t.Fatalf("%s is followed: %d, want %d", id.Name, count, wanted[id])
		}
	}
	if len(n.watches.users) != len(wanted) {
		t.Fatalf("%d users are known, want %d", len(n.watches.users), len(wanted))
	}
}

// TestWatchWhenTheSlotDoesNotAnswer counts as offline who cannot be read, so that the others are told, and goes on asking.
func TestWatchWhenTheSlotDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newWatchNode()
		n.enter("ann", "1.1")
		n.failing.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		go func() {
			n.watches.run(ctx)
			close(ended)
		}()
		w := n.watch(t.Errorf, "ann", "bob")
		synctest.Wait()
		if got := w.told(n); got != "map[ann:false bob:false]" {
			t.Errorf("told %s while the slot does not answer", got)
		}
		n.failing.Store(false)
		time.Sleep(watchRetry + time.Millisecond)
		synctest.Wait()
		if got := w.told(n); got != "map[ann:true bob:false]" || w.events != 2 {
			t.Errorf("told %s in %d events, want ann to be online", got, w.events)
		}
		reads := n.reads.Load()
		time.Sleep(time.Minute)
		if more := n.reads.Load() - reads; more != 0 {
			t.Errorf("%d reads of what is known", more)
		}
		cancel()
		<-ended
	})
}

// A connection that watches whom another one watches is told at once, from memory.
func TestWatchWhoIsWatchedAlready(t *testing.T) {
	t.Parallel()
	n := newWatchNode()
	n.enter("ann", "1.1")
	n.watch(t.Errorf, "ann")
	for _, one := range n.watches.takeUnread() {
		n.watches.look(t.Context(), one)
	}
	second := n.watch(t.Errorf, "ann")
	if n.reads.Load() != 1 || !second.online["ann"] {
		t.Errorf("%d reads; told %v", n.reads.Load(), second.online)
	}
	n.watches.unwatch(second.list)
	n.watches.unwatch(second.list)
	if n.followed[onlineID("ann")] != 1 {
		t.Error("who is still watched is not followed any more")
	}
}

// A read that is overtaken by a later one does not count.
func TestWatchReadOvertaken(t *testing.T) {
	t.Parallel()
	n := newWatchNode()
	w := n.watch(t.Errorf, "ann")
	calls := 0
	n.reading = func() {
		if calls++; calls != 2 { // the first read has seen nobody
			return
		}
		n.enter("ann", "1.1")
		n.deliver(false)
		for _, one := range n.watches.takeUnread() {
			n.watches.look(t.Context(), one)
		}
	}
	for len(n.watches.unread) > 0 {
		for _, one := range n.watches.takeUnread() {
			n.watches.look(t.Context(), one)
		}
	}
	if !w.online["ann"] {
		t.Errorf("told %v", w.online)
	}
}
