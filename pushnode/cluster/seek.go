package cluster

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// seek looks for peers until ctx ends or the node leaves: every 2 s while a seed or somebody known is missing. Without it a partition
// that memberlist gave up on would never heal.
func (n *Cluster) seek(ctx context.Context, g *gossip) {
	complaints := rate.Sometimes{Interval: complainInterval}
	start := time.Now()
	for began, looked := start, (time.Time{}); !n.leaving(); began = time.Now() {
		picked := n.pick(began)
		if len(picked) > 0 || !n.hasCluster() || began.Sub(looked) >= restInterval {
			n.look(ctx)
			looked, picked = began, n.pick(began)
		}
		err := n.try(g, append(picked, n.companion(began)...))
		if !n.hasCluster() && began.Sub(start) >= complainAfter {
			complaints.Do(func() { n.complain(errors.Join(err, n.lookupError())) })
		}
		next := time.NewTimer(searchInterval + rand.N(searchJitter) - time.Since(began))
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
	}
}

// A node that waits for its peers says so after a while, since nodes that start together miss each other at first, and then again and again.
const (
	complainAfter    = 5 * time.Second
	complainInterval = 30 * time.Second
)

// complain says what a node waits for that has no cluster.
func (n *Cluster) complain(err error) {
	if err == nil {
		n.log.Warn("the peers that were met wait for a cluster as well", "seeds", n.config.Seeds)
		return
	}
	n.log.Warn("still looking for a peer", "seeds", n.config.Seeds, "err", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// lookupError returns what keeps seeds from being known, nil if all are.
func (n *Cluster) lookupError() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, r := range n.found {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

// look resolves the seeds anew.
func (n *Cluster) look(ctx context.Context) {
	found := resolveAll(ctx, n.config.Resolver, n.seeds)
	for i, r := range found {
		if r.err != nil {
			n.metrics.lookups.Inc()
			n.log.Debug("seed is unknown", "seed", n.config.Seeds[i], "err", r.err)
		}
		for _, address := range r.addresses {
			if !n.config.admits(address.Addr()) {
				n.log.Warn("seed is not on loopback and there is no cluster secret", "seed", n.config.Seeds[i], "address", address.String())
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.found {
		if found[i].err != nil {
			found[i].addresses = n.found[i].addresses // still worth a try, though no reason to found
		}
	}
	n.found = found
}

// pick returns the addresses to try now: those that seeds stand for, and those where somebody known may be, unless a member is there.
func (n *Cluster) pick(now time.Time) []netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.roster.forget(now)
	wanted := slices.Collect(maps.Keys(n.roster.missing()))
	living := map[netip.AddrPort]bool{}
	for _, m := range n.View() {
		living[m.Gossip] = true
	}
	for _, r := range n.found {
		for _, address := range r.addresses {
			if !living[address] {
				wanted = append(wanted, address)
			}
		}
	}
	wanted = slices.DeleteFunc(wanted, func(a netip.AddrPort) bool { return !n.config.admits(a.Addr()) })
	return n.search.pick(wanted, now)
}

// stirredFor is how long after a change of the view it is compared with others': gossip reaches most nodes at once, but now and then
// one is left out, and memberlist itself compares views only every 15 s (30 s above 32 nodes).
const stirredFor = 10 * time.Second

// companion returns the address of one other member to compare views with, none while the view is at rest.
func (n *Cluster) companion(now time.Time) []netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.stirred) > stirredFor {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(n.View()), func(m Member) bool { return m.Instance == n.self.Instance })
	if len(others) == 0 {
		return nil
	}
	return []netip.AddrPort{others[rand.IntN(len(others))].Gossip}
}

// try compares views with all addresses at once, and returns when the last has answered or failed, with the errors of those that
// failed.
func (n *Cluster) try(g *gossip, picked []netip.AddrPort) error {
	if len(picked) == 0 {
		return nil
	}
	errs := make([]error, len(picked))
	var joins sync.WaitGroup
	for i, address := range picked {
		joins.Go(func() { errs[i] = g.join(address) })
	}
	joins.Wait()
	answered := map[netip.AddrPort]bool{}
	for i, err := range errs {
		answered[picked[i]] = err == nil
		outcome := "met"
		if err != nil {
			outcome = "failed"
			n.log.Debug("peer is not there", "address", picked[i].String(), "err", err)
		}
		n.metrics.joins.WithLabelValues(outcome).Inc()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.search.tried(answered, n.back, time.Now())
	n.back = false
	return errors.Join(errs...)
}

func (n *Cluster) leaving() bool    { return n.Self().State == Left }
func (n *Cluster) hasCluster() bool { return n.Self().Cluster != 0 }
