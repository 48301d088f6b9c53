package pushnode

import (
	"time"

	"halley/pushnode/cluster"
	"halley/pushnode/host"
)

const (
	// yieldAfter is how long another cluster must have prevailed before this node goes over to it: views settle first.
	yieldAfter = 5 * time.Second
	// yieldPeers bounds the nodes of the other cluster that are remembered to join it.
	yieldPeers = 16
)

// Legacy is what a node takes along to the cluster that it goes over to. It is for the Config of its next life.
type Legacy struct {
	Peers []string // where nodes of that cluster gossip
	held  *host.Legacy
}

// yield is how a node learns that it belongs to the wrong one of two clusters.
type yield struct {
	due   chan struct{} // closed when it is to go over
	peers []string      // set before that

	// owned by peers.follow
	to    uint64 // the cluster that prevails; 0: this node's own
	since time.Time
}

// Yields is closed when this node must go over to another cluster of the same deployment: the two were founded apart, have met, and the
// other has more nodes. Its process has to Drain it, to end Run, and to begin a new life with its Legacy.
func (n *Node) Yields() <-chan struct{} {
	if n.peers == nil {
		return nil
	}
	return n.peers.yield.due
}

// Legacy takes what a node holds that yields. Run must have returned.
func (n *Node) Legacy() *Legacy {
	return &Legacy{Peers: n.peers.yield.peers, held: n.slots.host.Legacy()}
}

// ofHost is what the host of the next life inherits; nil: nothing.
func (l *Legacy) ofHost() *host.Legacy {
	if l == nil {
		return nil
	}
	return l.held
}

// yieldIfOutnumbered decides that this node goes over to a cluster that has prevailed for long enough.
func (p *peers) yieldIfOutnumbered(now time.Time) {
	y := &p.yield
	own, prevails := p.members.Self().Cluster, p.members.Prevailing()
	switch {
	case len(y.peers) > 0: // it is decided
	case prevails == own || prevails == 0:
		y.to = 0
	case prevails != y.to:
		y.to, y.since = prevails, now
		p.node.logger.Warn("another cluster of this deployment has more nodes: they were founded apart", "members", len(p.members.View()))
	case now.Sub(y.since) >= yieldAfter:
		if y.peers = gossipOf(p.members.View(), prevails); len(y.peers) == 0 {
			return // they left just now
		}
		p.node.logger.Warn("going over to the cluster that has more nodes, with all that is held here", "peers", y.peers)
		close(y.due)
	}
}

// gossipOf is where members of a cluster gossip.
func gossipOf(view []cluster.Member, id uint64) (addresses []string) {
	for _, member := range view {
		if member.Cluster == id && len(addresses) < yieldPeers {
			addresses = append(addresses, member.Gossip.String())
		}
	}
	return addresses
}
