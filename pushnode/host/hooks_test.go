package host_test

import (
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// hall is a channel whose app wants to be told, on so many hosts.
type hall struct {
	*hosts
	id   channel.ID
	slot int
}

func newHall(t *testing.T, nodes int) *hall {
	t.Helper()
	p := newHosts(t, nodes, min(nodes, 3))
	for _, e := range p.nodes {
		e.watches = true
	}
	p.pass(20_000)
	id := channel.ID{App: "app", Name: "hall"}
	return &hall{hosts: p, id: id, slot: p.nodes[0].SlotOf(id.App, id.Name)}
}

// leader is the host that leads the hall's slot, and the others.
func (h *hall) leader() (leads *end, others []*end) {
	h.t.Helper()
	for _, e := range h.nodes {
		if status := e.Status(h.slot); status.Leads && status.Settled {
			leads = e
		} else {
			others = append(others, e)
		}
	}
	if leads == nil {
		h.t.Fatal("nobody leads the slot")
	}
	return leads, others
}

// wants holds what was told in all, by whichever host, as +client or -client.
func (h *hall) wants(why string, want ...string) {
	h.t.Helper()
	var got []string
	for _, e := range h.nodes {
		for _, one := range e.hooks {
			sign := "-"
			if one.Present {
				sign = "+"
			}
			got = append(got, sign+one.ClientID)
		}
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: told %v, want %v", why, got, want)
	}
}

func (h *hall) follow(e *end, count int) {
	e.Follow(h.now, h.slot, h.id, count)
	h.settle()
}

// TestOccupancyIsTold has subscribers come and go: that is told once each, and not of who comes back within three seconds.
func TestOccupancyIsTold(t *testing.T) {
	t.Parallel()
	h := newHall(t, 1)
	only := h.nodes[0]
	h.follow(only, 2)
	h.pass(200)
	h.wants("two came", "+")
	h.follow(only, 1)
	h.pass(5_000)
	h.wants("one left", "+")
	h.follow(only, 0)
	h.pass(2_500)
	h.follow(only, 1)
	h.pass(10_000)
	h.wants("the other was away for a moment", "+")
	h.follow(only, 0)
	h.pass(2_500)
	h.wants("it has just left", "+")
	h.pass(2_000)
	h.wants("it left", "+", "-")
	if want := []int{2, 1, 0, 1, 0}; !slices.Equal(only.counted, want) {
		t.Errorf("counted %v, want %v", only.counted, want)
	}
}

// TestHiddenChannelsAreNotTold has users sign in and follow what is sent to them: that is nobody's business, and costs no log entry.
func TestHiddenChannelsAreNotTold(t *testing.T) {
	t.Parallel()
	h := newHall(t, 1)
	h.id.Name = "#online-ada"
	h.slot = h.nodes[0].SlotOf(h.id.App, h.id.Name)
	before := h.nodes[0].Status(h.slot).Applied
	h.follow(h.nodes[0], 1)
	h.enter("ada", "s1", false)
	h.enter("ada", "s1", true)
	h.follow(h.nodes[0], 0)
	h.pass(5_000)
	h.wants("ada signed in")
	if entries := h.nodes[0].Status(h.slot).Applied - before; entries != 2 {
		t.Errorf("%d entries in the log, want that of the enter and that of the leave", entries)
	}
}

// TestOthersAreNotTold holds that nothing is kept of apps that do not want to be told, until they do.
func TestOthersAreNotTold(t *testing.T) {
	t.Parallel()
	h := newHall(t, 1)
	only := h.nodes[0]
	only.watches = false
	before := only.Status(h.slot).Applied
	h.follow(only, 1)
	h.pass(200)
	if after := only.Status(h.slot).Applied; after != before || len(only.counted) > 0 {
		t.Errorf("the log went from %d to %d, counted: %v", before, after, only.counted)
	}
	only.watches = true
	h.follow(only, 2)
	h.pass(200)
	h.wants("another came when the app began to want it", "+")
	only.watches = false
	h.follow(only, 0)
	h.pass(5_000)
	h.wants("the last left when the app had stopped", "+", "-")
}

func (h *hall) enter(client, session string, leave bool) {
	h.t.Helper()
	leads, _ := h.leader()
	var command channel.Command = channel.EnterPresence{Channel: h.id, ClientID: client, Session: session, Generation: 1}
	if leave {
		command = channel.LeavePresence{Channel: h.id, ClientID: client, Session: session, Generation: 1}
	}
	if reply := h.ask(leads, h.slot, command, 1000); reply == nil || reply.Err != nil {
		h.t.Fatalf("%+v: %+v", command, reply)
	}
}

// TestMembersAreTold has a client be a member by two sessions: it comes with the first, and is gone a while after the last.
func TestMembersAreTold(t *testing.T) {
	t.Parallel()
	h := newHall(t, 1)
	h.enter("ada", "s1", false)
	h.wants("ada came", "+ada")
	h.enter("ada", "s2", false)
	h.enter("ada", "s1", true)
	h.pass(5_000)
	h.wants("one session left", "+ada")
	h.enter("ada", "s2", true)
	h.pass(2_500)
	h.enter("ada", "s3", false)
	h.pass(5_000)
	h.wants("ada was away for a moment", "+ada")
	h.enter("ada", "s3", true)
	h.pass(5_000)
	h.wants("ada left", "+ada", "-ada")
}

// TestHooksWaitForWhoTellsThem hands over again what was not taken, in order.
func TestHooksWaitForWhoTellsThem(t *testing.T) {
	t.Parallel()
	h := newHall(t, 1)
	h.nodes[0].deafTo = true
	for i := range 5 {
		h.enter(fmt.Sprint("c", i), "s1", false)
	}
	h.pass(3_000)
	h.wants("nothing was taken")
	if report := h.nodes[0].Report(h.now); report.Hooks != 5 || report.LostHooks != 0 {
		t.Errorf("%d hooks wait, %d are lost; want 5 and none", report.Hooks, report.LostHooks)
	}
	h.nodes[0].deafTo = false
	h.pass(10_000)
	h.wants("all were taken", "+c0", "+c1", "+c2", "+c3", "+c4")
}

// TestNextLeadTellsWhatWasNotAnnounced moves the lead: what was announced does not come again, what was not does.
func TestNextLeadTellsWhatWasNotAnnounced(t *testing.T) {
	t.Parallel()
	h := newHall(t, 2)
	first, _ := h.leader()
	h.enter("ada", "s1", false)
	h.enter("bob", "s1", false)
	h.wants("two came", "+ada", "+bob")
	announced := channel.Announced{Hooks: []uint64{first.hooks[0].Number}}
	ada, bob := first.hooks[0].Number, first.hooks[1].Number
	if !first.HookWaits(h.slot, ada) || !first.HookWaits(h.slot, bob) {
		t.Error("what was not announced does not wait")
	}
	if reply := h.ask(first, h.slot, announced, 1000); reply == nil || reply.Err != nil {
		t.Fatalf("%+v", reply)
	}
	if first.HookWaits(h.slot, ada) || !first.HookWaits(h.slot, bob) {
		t.Error("what was announced waits, or what was not does not")
	}
	first.hooks = nil
	first.BeShy(h.now)
	h.pass(10_000)
	if leads, _ := h.leader(); leads == first {
		t.Fatal("the lead does not go to the other node")
	}
	h.wants("one of them was announced", "+bob")
	if next, _ := h.leader(); first.HookWaits(h.slot, bob) || !next.HookWaits(h.slot, bob) {
		t.Error("a hook is not for the leader to tell")
	}
}

// TestNewLeadLooksAround has a member leave, and another enter, unheard by who leads next: the state says so.
func TestNewLeadLooksAround(t *testing.T) {
	t.Parallel()
	h := newHall(t, 2)
	first, others := h.leader()
	h.enter("ada", "s1", false)
	first.watches, others[0].watches = false, false
	h.enter("bob", "s1", false)
	others[0].watches = true
	h.wants("bob came when nobody watched", "+ada")
	first.hooks = nil
	h.enter("ada", "s1", true)
	first.BeShy(h.now)
	h.pass(10_000)
	slices.SortFunc(others[0].hooks, func(a, b channel.Hook) int { return int(a.Number) - int(b.Number) })
	h.wants("the next lead looked", "+ada", "+bob", "-ada")
}

// dies has a host's process end, and the others notice.
func (h *hall) dies(dead *end) {
	var view []host.Node
	for i, e := range h.nodes {
		if e != dead {
			view = append(view, host.Node{Instance: e.instance, Name: string(rune('a' + i))})
		}
	}
	for _, e := range h.nodes {
		h.cut[[2]uint64{dead.instance, e.instance}], h.cut[[2]uint64{e.instance, dead.instance}] = true, true
		if e != dead {
			e.PeerDown(h.now, dead.instance, true)
			e.SetView(h.now, view)
		}
	}
	h.settle()
}

// TestClientsOfDeadNodeHaveTheirGrace vacates a channel no sooner than a minute after the node of its last subscriber died, and not if that
// one has come back elsewhere.
func TestClientsOfDeadNodeHaveTheirGrace(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{true, false} {
		h := newHall(t, 3)
		leads, others := h.leader()
		h.follow(others[0], 1)
		h.pass(1_000)
		h.dies(others[0])
		h.pass(40_000)
		h.wants("the node died a while ago", "+")
		if back {
			h.follow(leads, 1)
			h.pass(60_000)
			h.wants("its client came back", "+")
			continue
		}
		h.pass(30_000)
		h.wants("its client stayed away", "+", "-")
	}
}

// TestSubscribersOfFormerLead vacates a channel no sooner than a minute after its leader died with the last subscriber.
func TestSubscribersOfFormerLead(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	leads, _ := h.leader()
	h.follow(leads, 1)
	h.pass(1_000)
	h.ask(leads, h.slot, channel.Announced{Hooks: []uint64{1}}, 1000)
	leads.hooks = nil
	h.dies(leads)
	h.pass(50_000)
	h.wants("the leader died a while ago")
	h.pass(30_000)
	h.wants("its client stayed away", "-")
}

// TestUnheardNodeMayHaveSubscribers vacates nothing while a node that lives is not heard.
func TestUnheardNodeMayHaveSubscribers(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	leads, others := h.leader()
	h.follow(others[0], 1)
	h.pass(1_000)
	h.sever(leads, others[0])
	h.pass(90_000)
	h.wants("the link is cut", "+")
	h.follow(others[0], 0)
	h.pass(10_000)
	h.mend(leads, others[0])
	h.pass(20_000)
	h.wants("the link is back, the subscriber is gone", "+", "-")
}

// TestNewLeadDoesNotHearAll vacates nothing where the next leader was never told by a node that lives.
func TestNewLeadDoesNotHearAll(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	leads, others := h.leader()
	h.follow(others[0], 1)
	h.follow(others[1], 1)
	h.pass(1_000)
	h.sever(others[0], others[1])
	leads.BeShy(h.now)
	h.pass(10_000)
	next, _ := h.leader()
	if next == leads {
		t.Fatal("the lead does not go to another node")
	}
	h.follow(next, 0)
	h.pass(120_000)
	if slices.ContainsFunc(next.hooks, func(one channel.Hook) bool { return !one.Present }) {
		t.Errorf("told %+v, while one may still be at the other node", next.hooks)
	}
}

// TestWhoComesAsItIsToldGone has a subscriber come while its channel is being vacated: that it is there is told after that.
func TestWhoComesAsItIsToldGone(t *testing.T) {
	t.Parallel()
	vacated := func(meanwhile func(h *hall, leads *end)) *hall {
		h := newHall(t, 3)
		leads, _ := h.leader()
		h.follow(leads, 1)
		h.pass(1_000)
		h.follow(leads, 0)
		for range 200 {
			h.now += 50
			meanwhile(h, leads)
			h.settle()
			for _, e := range h.nodes {
				e.Tick(h.now)
			}
			h.settle()
		}
		return h
	}
	seen := vacated(func(h *hall, leads *end) { leads.Tick(h.now) })
	seen.wants("nobody came", "+", "-")
	leads, _ := seen.leader()
	at := leads.hooks[1].Time
	raced := vacated(func(h *hall, leads *end) {
		_, others := h.leader()
		if h.now == at-100 {
			others[0].Follow(h.now, h.slot, h.id, 1)
		}
		leads.Tick(h.now)     // proposes, and nobody has it yet
		others[0].Tick(h.now) // tells its count, which is heard before that is agreed on
	})
	raced.wants("somebody came", "+", "-", "+")
}
