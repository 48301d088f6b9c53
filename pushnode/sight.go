package pushnode

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/host"
	"halley/pushnode/wire"
)

const (
	// sightInterval is how often a node looks around.
	sightInterval = 500 * time.Millisecond
	// cutOffAfter is how long a node must hear of no leader for most slots before it sends its clients away (note, 3.15).
	cutOffAfter = 10 * time.Second
)

// errCutOff is why a node is not ready that hears of no leader.
var errCutOff = errors.New("cut off: no leader is heard of for most of what there is")

// sight is how much of the cluster this node hears of.
type sight struct {
	blind  [slotCount]atomic.Bool // written by watchSight, read by who would ask in vain
	cutOff atomic.Bool            // written by watchSight, read by Ready
}

// blindTo reports whether nothing has been heard of a channel's slot for so long that it is of no use to ask.
func (s *sight) blindTo(id channel.ID) bool { return s.blind[slotOf(id.App, id.Name)].Load() }

// see takes in which slots are blind, and returns those that were not.
func (s *sight) see(blind []int) (news map[int]bool) {
	now := make(map[int]bool, len(blind))
	news = make(map[int]bool)
	for _, index := range blind {
		now[index] = true
	}
	for index := range s.blind {
		if s.blind[index].Swap(now[index]) != now[index] && now[index] {
			news[index] = true
		}
	}
	return news
}

// watchSight tells clients what this node does not hear of, and sends them away where that is most, until ctx ends.
func (n *Node) watchSight(ctx context.Context) {
	ticks := time.NewTicker(sightInterval)
	defer ticks.Stop()
	heard := time.Now() // of most leaders
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		seen := n.slots.host.Sight(n.slots.clock.now())
		if news := n.sight.see(seen.Blind); len(news) > 0 {
			n.logger.Warn("nothing is heard of channels that are followed here", "slots", len(seen.Blind))
			n.sessions.Suspend(func(id channel.ID) bool { return news[slotOf(id.App, id.Name)] })
		}
		if seen.Leaderless <= slotCount/2 {
			heard = time.Now()
		}
		n.judgeSight(time.Since(heard) >= cutOffAfter)
	}
}

// judgeSight sends clients away, spread over time, once the node is cut off: a balancer may bring them to one that is not.
func (n *Node) judgeSight(cutOff bool) {
	if !n.joined.Load() || n.sight.cutOff.Swap(cutOff) == cutOff {
		return
	}
	if !cutOff {
		n.logger.Info("leaders are heard of again")
		return
	}
	n.logger.Error("no leader is heard of for most slots: not ready, clients are told to connect elsewhere; halley admin nodes shows what is waited for")
	n.sessions.Shed(wire.Errorf(wire.CodeDraining, "this node is cut off from its cluster: connect again"))
}

// errBlind is what a question ends with that nobody could answer.
func (n *Node) errBlind(operation string) error { return n.wireError(operation, host.ErrNotDone) }
