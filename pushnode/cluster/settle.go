package cluster

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"
)

// settleInterval is how often a node without a cluster looks at its prospects.
const settleInterval = 100 * time.Millisecond

// settle waits until this node adopts or founds a cluster, or ctx ends.
func (n *Cluster) settle(ctx context.Context) {
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	var watch calm
	for {
		if v := n.prospect(&watch, time.Now()).judge(); v.found || v.adopt != 0 {
			n.enterCluster(v)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// calm tells for how long nothing has changed.
type calm struct {
	view  []Member
	seeds []reach
	since time.Time
}

// settled returns since when the view and what the seeds stand for are as they are.
func (c *calm) settled(view []Member, seeds []reach, now time.Time) time.Duration {
	if c.since.IsZero() || !slices.Equal(view, c.view) || !slices.Equal(seeds, c.seeds) {
		*c = calm{view, seeds, now}
	}
	return now.Sub(c.since)
}

// prospect puts together what the node decides by.
func (n *Cluster) prospect(watch *calm, now time.Time) prospect {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := prospect{self: n.self, view: n.View(), seeds: n.reachLocked(now)}
	p.settled = watch.settled(p.view, p.seeds, now)
	return p
}

// reachLocked returns how much of each seed can be reached. What was not looked up yet is not known.
func (n *Cluster) reachLocked(now time.Time) []reach {
	seeds := make([]reach, len(n.seeds))
	for i, r := range n.found {
		seeds[i] = reach{known: r.err == nil, addresses: len(r.addresses)}
		for _, address := range r.addresses {
			living := slices.ContainsFunc(n.View(), func(m Member) bool { return m.Gossip == address })
			if living || n.search.own[address] || n.search.met(address, now) {
				seeds[i].reached++
			}
		}
	}
	return seeds
}

// enterCluster carries a verdict out.
func (n *Cluster) enterCluster(v verdict) {
	id := v.adopt
	if v.found {
		id = randomID()
	}
	n.mu.Lock()
	if n.self.Cluster == 0 {
		n.self.Cluster, n.founder = id, v.found
	}
	n.publishLocked()
	n.mu.Unlock()
	notify(n.announce)
	close(n.decided)
	if v.found {
		n.log.Info("cluster founded", "cluster", formatID(id))
	} else {
		n.log.Info("cluster joined", "cluster", formatID(id))
	}
}

// randomID returns a random number that is not 0. It has 40 bits: every message of the cluster carries it as text.
func randomID() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:]) // never fails: crypto/rand ends the program first
		if id := binary.BigEndian.Uint64(b[:]) >> 24; id != 0 {
			return id
		}
	}
}
