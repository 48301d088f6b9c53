package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// announceTimeout bounds how long one announcement is waited for. What is not sent by then goes on being sent, and is told whenever
// views are compared.
const announceTimeout = 2 * time.Second

// watcher is how memberlist sees a Cluster.
type watcher struct{ *Cluster }

func (n watcher) meta() []byte { return appendMeta(nil, n.Self()) }

func (n watcher) seen(name string, gossip netip.AddrPort, meta []byte, living bool) {
	n.seenQueue.put(sighting{name, gossip, meta, living})
}

// admissible keeps out what cannot be a member: memberlist then acts as if it had not heard of it.
func (n watcher) admissible(name string, gossip netip.AddrPort, meta []byte) error {
	m, err := identify(name, gossip, meta)
	reason := "meta"
	switch {
	case err != nil:
	case !m.Protocol.Overlaps(n.config.Protocol):
		reason, err = "protocol", fmt.Errorf("cluster: it speaks protocol %v, this node %v", m.Protocol, n.config.Protocol)
	case !n.config.admits(gossip.Addr()) || !n.config.admits(m.Links.Addr()):
		reason, err = "address", ErrNoSecret
	default:
		return nil
	}
	n.metrics.refusals.WithLabelValues(reason).Inc()
	return err
}

// identify puts together what memberlist knows of a member and what the member says of itself.
func identify(name string, gossip netip.AddrPort, meta []byte) (Member, error) {
	node, instance, err := parseGossipName(name)
	if err != nil {
		return Member{}, err
	}
	m, err := parseMeta(meta)
	if err != nil {
		return Member{}, err
	}
	if m.Instance != instance || !gossip.IsValid() {
		return Member{}, errors.New("cluster: a member is not who it says")
	}
	m.Name, m.Gossip = node, gossip
	return m, nil
}

func (n watcher) exchanged() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.roster.exchange(time.Now())
	if n.self.State == Left {
		e.known = append(e.known[:min(len(e.known), maxRemembered-1)], remembered{instance: n.self.Instance, gossip: n.self.Gossip, left: true})
	}
	return e.append(nil)
}

// merge takes in what another node remembers. One that is this node itself was reached through an address of its own.
func (n watcher) merge(told []byte) {
	e, err := parseExchange(told)
	if err != nil {
		n.metrics.refusals.WithLabelValues("exchange").Inc()
		return
	}
	for _, m := range n.remember(e) {
		n.report(m, departed)
	}
}

// remember takes in an exchange and returns who is thereby known to have left.
func (n *Cluster) remember(e exchange) []Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.instance == n.self.Instance {
		n.back = true
		return nil
	}
	left := n.roster.merge(e, time.Now())
	if len(left) > 0 {
		notify(n.changed)
	}
	n.publishLocked()
	return left
}

// follow takes in what memberlist saw, until ctx ends.
func (n *Cluster) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.seenQueue.ready:
			for _, s := range n.seenQueue.take() {
				n.take(s)
			}
		}
	}
}

// take takes in one sighting.
func (n *Cluster) take(s sighting) {
	m, err := identify(s.name, s.gossip, s.meta)
	if err != nil || m.Instance == n.config.Instance {
		return // the first was refused before; the second is no news
	}
	n.mu.Lock()
	before := n.roster.standing(m.Instance)
	if s.living {
		n.roster.admit(m, time.Now())
	} else {
		n.roster.lose(m.Instance, time.Now())
	}
	after := n.roster.standing(m.Instance)
	if before != after {
		n.roster.forget(time.Now())
		notify(n.changed)
	}
	n.publishLocked()
	n.mu.Unlock()
	if before != after {
		n.report(m, after)
	}
}

// report logs and counts how a peer stands now.
func (n *Cluster) report(m Member, now standing) {
	switch now {
	case alive:
		n.log.Info("member joined", "member", m)
	case dead:
		n.log.Warn("member is dead", "member", m)
		n.metrics.losses.WithLabelValues("dead").Inc()
	case departed:
		n.log.Info("member left", "member", m)
		n.metrics.losses.WithLabelValues("left").Inc()
	}
}

// tell announces what this node says of itself whenever it changes, until ctx ends.
func (n *Cluster) tell(ctx context.Context, g *gossip) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.announce:
			if err := g.announce(announceTimeout); err != nil {
				n.log.Debug("announcement is slow", "err", err)
			}
		}
	}
}
