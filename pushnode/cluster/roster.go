package cluster

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// memory is how long a node that is gone is remembered: so long others look for it after a partition, and so long its leaving is
// told to who missed it. Serf keeps failed members as long.
const memory = 24 * time.Hour

// maxPeers bounds the roster. Above it, those that are gone longest are forgotten first; the living are never forgotten.
const maxPeers = 1024

// standing is what a node knows about a peer.
type standing uint8

const (
	told     standing = iota // others told of it; it was never met
	alive                    // a member
	dead                     // it did not answer, says memberlist; it may come back
	departed                 // it left by its own word, which is final
)

// peer is an instance that was known within the last 24 h.
type peer struct {
	member   Member // of those only told, just the instance and the gossip address
	standing standing
	since    time.Time // when it came to stand so
	lived    time.Time // when it was last known to live, by whomever; of who left, when it left
}

// roster holds all peers of a node, the node itself aside. It is pure: what happened and when are arguments.
type roster struct {
	self  uint64
	peers map[uint64]*peer
}

func newRoster(self uint64) *roster { return &roster{self: self, peers: map[uint64]*peer{}} }

// admit takes in what a member says of itself. Who left does not come back: gossip that is late may say so for a while.
func (r *roster) admit(m Member, now time.Time) {
	known := r.peers[m.Instance]
	switch {
	case m.Instance == r.self || known != nil && known.standing == departed:
	case m.State == Left:
		r.depart(m.Instance, m.Gossip, now)
	case known != nil && known.standing == alive:
		known.member = m
	default:
		r.peers[m.Instance] = &peer{m, alive, now, now}
	}
}

// standing returns how an instance stands; who is not known was not even told of.
func (r *roster) standing(instance uint64) standing {
	if p := r.peers[instance]; p != nil {
		return p.standing
	}
	return told
}

// lose takes in that memberlist counts a member no more. Who left before by its own word stays departed.
func (r *roster) lose(instance uint64, now time.Time) {
	if p := r.peers[instance]; p != nil && p.standing == alive {
		p.standing, p.since, p.lived = dead, now, now
	}
}

// depart takes in that an instance left by its own word, and reports whether that is news.
func (r *roster) depart(instance uint64, gossip netip.AddrPort, when time.Time) bool {
	if instance == r.self {
		return false
	}
	p := r.peers[instance]
	if p == nil {
		p = &peer{member: Member{Instance: instance, Gossip: gossip}}
		r.peers[instance] = p
	}
	if p.standing == departed {
		return false
	}
	p.standing, p.since, p.lived, p.member.State = departed, when, when, Left
	return true
}

// hear takes in what another node remembers of a peer: of two reports of its life the later one counts.
func (r *roster) hear(instance uint64, gossip netip.AddrPort, lived time.Time) {
	if instance == r.self {
		return
	}
	switch p := r.peers[instance]; {
	case p == nil:
		r.peers[instance] = &peer{Member{Instance: instance, Gossip: gossip}, told, lived, lived}
	case (p.standing == told || p.standing == dead) && lived.After(p.lived):
		p.lived = lived
	}
}

// forget drops who is gone for longer than memory, and the longest gone above maxPeers.
func (r *roster) forget(now time.Time) {
	for _, p := range r.gone() {
		if now.Sub(p.lived) > memory || len(r.peers) > maxPeers {
			delete(r.peers, p.member.Instance)
		}
	}
}

// gone returns who does not live, the longest gone first.
func (r *roster) gone() []*peer {
	gone := slices.DeleteFunc(slices.Collect(maps.Values(r.peers)), func(p *peer) bool { return p.standing == alive })
	slices.SortFunc(gone, func(a, b *peer) int {
		return cmp.Or(a.lived.Compare(b.lived), cmp.Compare(a.member.Instance, b.member.Instance))
	})
	return gone
}

// view returns the living, self among them, by instance.
func (r *roster) view(self Member) []Member {
	var members []Member
	if self.State != Left {
		members = append(members, self)
	}
	for _, p := range r.peers {
		if p.standing == alive {
			members = append(members, p.member)
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Instance, b.Instance) })
	return members
}

// displaced returns the dead whose links listened where a living member's do, by instance.
func (r *roster) displaced() []Member {
	taken := map[netip.AddrPort]bool{}
	for _, p := range r.peers {
		if p.standing == alive && p.member.Links.IsValid() {
			taken[p.member.Links] = true
		}
	}
	var displaced []Member
	for _, p := range r.peers {
		if p.standing == dead && taken[p.member.Links] {
			displaced = append(displaced, p.member)
		}
	}
	slices.SortFunc(displaced, func(a, b Member) int { return cmp.Compare(a.Instance, b.Instance) })
	return displaced
}

// times returns since when each instance stands so.
func (r *roster) times(s standing) map[uint64]time.Time {
	times := map[uint64]time.Time{}
	for instance, p := range r.peers {
		if p.standing == s {
			times[instance] = p.since
		}
	}
	return times
}

// missing returns the addresses of who may be alive behind a broken network, with when they were last known to live. An address where
// a living member listens is none: its former user is gone.
func (r *roster) missing() map[netip.AddrPort]time.Time {
	missing := map[netip.AddrPort]time.Time{}
	for _, p := range r.peers {
		if (p.standing == told || p.standing == dead) && p.lived.After(missing[p.member.Gossip]) {
			missing[p.member.Gossip] = p.lived
		}
	}
	for _, p := range r.peers {
		if p.standing == alive {
			delete(missing, p.member.Gossip)
		}
	}
	return missing
}
