package cluster

import (
	"cmp"
	"slices"
	"time"
)

// Times of founding (section 3.3 of the study on clusters).
const (
	aloneAfter    = 3 * time.Second  // a node whose peers are all itself founds
	togetherAfter = 2 * time.Second  // the first of several founds, when nothing changed for so long
	nextAfter     = 10 * time.Second // the next of them takes over, when the one before did not found
)

// prospect is all that a node without a cluster decides by.
type prospect struct {
	self    Member
	view    []Member      // the living, self among them
	seeds   []reach       // one for each that was given
	settled time.Duration // since the view or what the seeds stand for last changed
}

// reach is how much of a seed can be reached.
type reach struct {
	known     bool // it was resolved
	addresses int  // it stands for, own ones among them
	reached   int  // of them that are this node's own, or a member's
}

// satisfied reports whether the seed speaks for founding. A name with several addresses does once more than half of them are met: one
// pod that does not start must not keep all from starting, and of two halves that do not see each other at most one has more than
// half. A single peer that was given must be met.
func (r reach) satisfied() bool { return r.known && 2*r.reached > r.addresses }

// verdict is what a node without a cluster does.
type verdict struct {
	adopt uint64 // the cluster to join; 0: none
	found bool   // it founds one
}

// judge decides whether a node adopts a cluster, founds one, or waits (neither). A cluster that is in sight is always adopted; of two
// the one with more members, then the lower id: an empty node loses nothing by it, and the collision is told apart from this. A node
// that was given a peer which it cannot reach never founds.
func (p prospect) judge() verdict {
	if id := prevailing(p.view); id != 0 {
		return verdict{adopt: id}
	}
	if len(p.seeds) == 0 {
		return verdict{found: true}
	}
	if slices.ContainsFunc(p.seeds, func(r reach) bool { return !r.satisfied() }) {
		return verdict{}
	}
	return verdict{found: p.settled >= p.patience()}
}

// patience returns how long nothing must have changed before this node founds: it waits for all whose names come before its own.
func (p prospect) patience() time.Duration {
	before, others := 0, 0
	for _, m := range p.view {
		if m.Instance == p.self.Instance || m.State >= Draining {
			continue
		}
		others++
		if cmp.Or(cmp.Compare(m.Name, p.self.Name), cmp.Compare(m.Instance, p.self.Instance)) < 0 {
			before++
		}
	}
	if others == 0 {
		return aloneAfter
	}
	return togetherAfter + time.Duration(before)*nextAfter
}

// prevailing returns the cluster that most members belong to, of equals the lowest; 0 if none belongs to one.
func prevailing(view []Member) uint64 {
	counts := map[uint64]int{}
	for _, m := range view {
		if m.Cluster != 0 {
			counts[m.Cluster]++
		}
	}
	best := uint64(0)
	for id, count := range counts {
		if best == 0 || count > counts[best] || count == counts[best] && id < best {
			best = id
		}
	}
	return best
}

// staying returns the members that do not drain or leave, and all where none stays: those of a cluster that goes over to another must not
// have the other one come to them meanwhile.
func staying(view []Member) []Member {
	stay := slices.DeleteFunc(slices.Clone(view), func(m Member) bool { return m.Cluster == 0 || m.State >= Draining })
	if len(stay) == 0 {
		return view
	}
	return stay
}

// strangers returns the clusters in sight that are not this one, sorted.
func strangers(view []Member, own uint64) []uint64 {
	var ids []uint64
	for _, m := range view {
		if m.Cluster != 0 && own != 0 && m.Cluster != own {
			ids = append(ids, m.Cluster)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
