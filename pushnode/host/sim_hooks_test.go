package host_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// lobbies are channels that are empty now and then: visitors come and go.
var lobbies = func() (list []channel.ID) {
	for i := range 6 {
		list = append(list, channel.ID{App: "app", Name: fmt.Sprint("lobby", i)})
	}
	return list
}()

// hookKey names a hook in the whole world.
type hookKey struct {
	slot       int
	generation uint32
	number     uint64
}

// attendance is who a hook is about.
type attendance struct {
	id       channel.ID
	clientID string
}

// toldHooks is every hook that a leader handed to who tells it.
type toldHooks map[hookKey]channel.Hook

// Watched is host.Surroundings: whoever is watched is watched everywhere.
func (n *node) Watched(string) bool { return true }

// Counted is host.Surroundings: nobody wants to know.
func (n *node) Counted(channel.ID, int) {}

// Hooked is host.Surroundings. A full node takes nothing, others tell what they take within seconds, unless they die before.
func (n *node) Hooked(slot int, hooks []channel.Hook) int {
	if n.full {
		return 0
	}
	for _, one := range hooks {
		n.w.hooked(n, slot, one)
	}
	numbers := make([]uint64, len(hooks))
	for i := range hooks {
		numbers[i] = hooks[i].Number
	}
	n.w.after(n.w.between(0, 3*second), func() {
		n.do(func() {
			n.host.Propose(n.clock(), slot, channel.Announced{Hooks: numbers}, n.clock()+5000, func(host.Reply) {})
		})
	})
	return len(hooks)
}

// hooked holds I23 for one hook: it is the same whoever tells it, and no channel is vacated while somebody has been there for a while.
func (w *world) hooked(n *node, slot int, one channel.Hook) {
	key := hookKey{slot, one.Generation, one.Number}
	if known, told := w.hooks[key]; told {
		if known != one {
			w.fail("I23", "%+v and %+v are the same hook", known, one)
		}
		return
	}
	w.hooks[key] = one
	w.log("%s tells %d: %s/%s present: %v", n, one.Number, one.Channel.Name, one.ClientID, one.Present)
	if one.Present || one.ClientID != "" {
		return
	}
	for _, v := range w.visitors {
		if v.id == one.Channel && v.stays(settled) {
			w.fail("I23", "%s is vacated, %s is at %s since %v", one.Channel.Name, v.name, v.at, v.since)
		}
		if v.id == one.Channel && v.returns {
			w.fail("I23", "%s is vacated, %s was there since %v and comes back from a node that died", one.Channel.Name, v.name, v.since)
		}
	}
}

// settled is how long a visitor must have been at a node in good health until the leader must know of it.
const settled = 15 * second

// checkHooks holds I23 when the cluster has come to rest: no hook was lost, they say by turns that somebody came and that nobody is there,
// and the last one is right.
func (w *world) checkHooks() {
	last := map[attendance]channel.Hook{}
	next := map[int]uint64{}
	keys := slices.SortedFunc(maps.Keys(w.hooks), func(a, b hookKey) int {
		return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.number, b.number))
	})
	for _, key := range keys {
		one := w.hooks[key]
		if key.number != next[key.slot]+1 {
			w.fail("I23", "hook %d of slot %d is followed by %d", next[key.slot], key.slot, key.number)
		}
		next[key.slot] = key.number
		who := attendance{one.Channel, one.ClientID}
		if last[who].Present == one.Present {
			w.fail("I23", "%+v follows %+v", one, last[who])
		}
		last[who] = one
	}
	w.checkLobbies(last)
	w.checkAttendance(last)
}

func (w *world) checkLobbies(last map[attendance]channel.Hook) {
	for _, id := range lobbies {
		present := last[attendance{id: id}].Present
		there, long := false, false
		for _, v := range w.visitors {
			if v.id == id {
				there, long = there || v.at != nil, long || v.stays(settled)
			}
		}
		switch {
		case long && !present:
			w.fail("I23", "%s is occupied, and that was not told", id.Name)
		case !there && present && w.now-max(w.led, w.cleared[id]) > lostGrace+restSlack:
			w.fail("I23", "%s is vacated since %v, and that was not told", id.Name, w.cleared[id])
		}
	}
}

// checkAttendance compares what was told of members with the presence sets, which have not changed for a while.
func (w *world) checkAttendance(last map[attendance]channel.Hook) {
	members := map[attendance]bool{}
	for id, seen := range w.rooms {
		for session := range seen.members {
			members[attendance{id, w.sessions[session].member.name}] = true
		}
	}
	for who, one := range last {
		if who.clientID != "" && one.Present != members[who] && w.now-w.rooms[who.id].changed > restSlack {
			w.fail("I23", "%s is a member of %s: %v, last told: %v", who.clientID, who.id.Name, members[who], one.Present)
		}
	}
	for who := range members {
		if _, told := last[who]; !told && w.now-w.rooms[who.id].changed > restSlack {
			w.fail("I23", "%s is a member of %s, and that was not told", who.clientID, who.id.Name)
		}
	}
}

// visitor follows one lobby, now here, now there, now nowhere.
type visitor struct {
	w     *world
	name  string
	id    channel.ID
	at    *node
	since moment
	// returns: it was at a node that died, and the leader had heard of it.
	returns bool
}

func (w *world) visit() {
	for i := range len(lobbies) + 2 {
		v := &visitor{w: w, name: fmt.Sprint("v", i), id: lobbies[i%len(lobbies)]}
		w.visitors = append(w.visitors, v)
		w.after(w.between(0, 10*second), v.come)
	}
}

func (v *visitor) come() {
	if v.at != nil {
		return
	}
	n := v.w.anyNode()
	if n == nil || n.paused {
		v.w.after(v.w.between(50*millisecond, 500*millisecond), v.come)
		return
	}
	v.at, v.since, v.returns = n, v.w.now, false
	v.follow(1)
	v.w.after(v.w.between(500*millisecond, 20*second), v.depart)
}

// follow tells the node that it follows the lobby, or does not any more.
func (v *visitor) follow(more int) {
	n := v.at
	n.visits[v.id] += more
	if n.visits[v.id] == 0 {
		v.w.cleared[v.id] = v.w.now
	}
	n.do(func() { n.host.Follow(n.clock(), n.host.SlotOf(v.id.App, v.id.Name), v.id, n.visits[v.id]) })
}

// depart has it leave, unless everything is to come to rest.
func (v *visitor) depart() {
	if v.at == nil || v.w.quiet && v.id != lobbies[0] {
		return
	}
	v.follow(-1)
	v.at = nil
	if !v.w.quiet {
		v.w.after(v.w.between(0, 12*second), v.come)
	}
}

// nodeDied has it come back elsewhere before long.
func (v *visitor) nodeDied() {
	v.returns = v.stays(settled)
	v.at = nil
	v.w.cleared[v.id] = v.w.now
	v.w.after(v.w.between(0, 4*second), v.come)
}

// stays reports whether it is where it has been for a while, and that node is well for as long.
func (v *visitor) stays(while moment) bool {
	return v.at != nil && v.w.now-v.since > while && v.w.now-v.at.trouble > while
}

// noteTrouble takes note that a node is not well: it sleeps, or cannot reach another one.
func (n *node) noteTrouble() {
	for _, other := range n.w.all {
		if other.alive && (n.w.network.isCut(n, other) || n.w.network.isCut(other, n)) {
			n.trouble = n.w.now
		}
	}
	if n.paused {
		n.trouble = n.w.now
	}
}

// untold is the part of host.Surroundings of those who have nobody to tell.
type untold struct{}

func (untold) Watched(string) bool                    { return false }
func (untold) Hooked(_ int, hooks []channel.Hook) int { return len(hooks) }
func (untold) Counted(channel.ID, int)                {}
