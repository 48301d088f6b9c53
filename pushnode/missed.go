package pushnode

import (
	"context"
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
)

const (
	// missedDelay is how long slots are collected before their sessions are looked at: a lost leader takes hundreds of them along.
	missedDelay = 500 * time.Millisecond
	// missedPage is how many sessions a slot is asked about at a time.
	missedPage = 256
	// missedAtOnce is how many slots are asked at a time: one without a leader answers nothing for seconds.
	missedAtOnce = 16
	// lookRound is how long it takes to look at all sessions again, though nothing was missed as far as this node knows: half of
	// the grace of those whose node is taken for dead, so that none is over before this node notices that it is.
	lookRound = channel.LostGrace / 2
	// lookStride is how many slots of a round are looked at together: each look goes through all sessions of the node, to find those of
	// its slots.
	lookStride = 128
	// doubtInterval is how often doubts are looked at.
	doubtInterval = 2 * time.Second
)

// followSessions asks the slots what became of this node's sessions where it may not have been told, until ctx ends.
func (n *Node) followSessions(ctx context.Context) {
	delay := time.NewTimer(missedDelay)
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.slots.missed.wake:
		}
		delay.Reset(missedDelay)
		select {
		case <-ctx.Done():
			return
		case <-delay.C:
			n.checkSessions(ctx, n.slots.missed.takeAll())
		}
	}
}

// lookAgain has every slot's sessions looked at once in a lookRound, and settles doubts, until ctx ends.
func (n *Node) lookAgain(ctx context.Context) {
	rounds := time.NewTicker(lookRound / (slotCount / lookStride))
	defer rounds.Stop()
	if n.peers == nil { // nobody takes anything over from a node that is alone
		rounds.Stop()
	}
	settling := time.NewTicker(doubtInterval)
	defer settling.Stop()
	for next := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-rounds.C:
			for range lookStride {
				n.slots.missed.add(next)
				next = (next + 1) % slotCount
			}
		case <-settling.C:
			n.settleDoubts(ctx)
		}
	}
}

// appSlot is the sessions of one app in one slot.
type appSlot struct {
	app  string
	slot int
}

func (n *Node) checkSessions(ctx context.Context, slots map[int]struct{}) {
	held := make(map[appSlot][]session.Lasting)
	wanted := func(app, id string) bool {
		_, asked := slots[slotOf(app, id)]
		return asked
	}
	for _, one := range n.sessions.Lasting(wanted) {
		at := appSlot{one.App, slotOf(one.App, one.ID)}
		held[at] = append(held[at], one)
	}
	eachSlot(held, func(at appSlot, sessions []session.Lasting) {
		for page := range slices.Chunk(sessions, missedPage) {
			if err := n.checkPage(ctx, at, page); err != nil && ctx.Err() == nil {
				n.logger.Debug("sessions not looked at, trying again", "slot", at.slot, "err", err)
				n.slots.missed.add(at.slot)
				return
			}
		}
	})
}

// eachSlot does something for each, some at a time, and waits for all.
func eachSlot[T any](all map[appSlot][]T, do func(appSlot, []T)) {
	var working sync.WaitGroup
	room := make(chan struct{}, missedAtOnce)
	for at, list := range all {
		room <- struct{}{}
		working.Go(func() {
			defer func() { <-room }()
			do(at, list)
		})
	}
	working.Wait()
}

// checkPage lets go of sessions that have ended or live elsewhere, and takes those back whose records do not show this node any more.
func (n *Node) checkPage(ctx context.Context, at appSlot, page []session.Lasting) error {
	ids := make([]string, len(page))
	for i, one := range page {
		ids[i] = one.ID
	}
	alive, err := n.alive(ctx, at, ids)
	if err != nil {
		return err
	}
	for _, one := range page {
		live, found := alive[one.ID]
		switch {
		case !found:
			n.sessions.Ended(one.App, one.ID)
		case live.Generation > one.Generation && live.Edge == n.instance: // by a connection that is about to have it, or never will
			n.doubts.add(channel.ID{App: one.App, Name: one.ID})
		case live.Generation > one.Generation:
			n.sessions.Moved(one.App, one.ID, live.Generation)
		case one.Attached && !live.Attached && live.Generation == one.Generation:
			err = n.sessions.Reattach(ctx, one.App, one.ID, one.Generation)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alive asks a slot which sessions have not ended.
func (n *Node) alive(ctx context.Context, at appSlot, ids []string) (map[string]channel.LiveSession, error) {
	answer, err := n.slots.query(ctx, at.slot, channel.AliveQuery{App: at.app, Sessions: ids})
	if err != nil {
		return nil, err
	}
	alive := make(map[string]channel.LiveSession, len(ids))
	for _, one := range answer.(channel.LiveSessions) {
		alive[one.ID] = one
	}
	return alive, nil
}

// settleDoubts detaches records that are attached to this node without anybody there.
func (n *Node) settleDoubts(ctx context.Context) {
	eachSlot(n.doubts.all(), func(at appSlot, ids []string) {
		for page := range slices.Chunk(ids, missedPage) {
			if err := n.settlePage(ctx, at, page); err != nil {
				return // the next time
			}
		}
	})
}

func (n *Node) settlePage(ctx context.Context, at appSlot, ids []string) error {
	alive, err := n.alive(ctx, at, ids)
	if err != nil {
		return err
	}
	for _, live := range alive {
		if !live.Attached || live.Edge != n.instance || n.sessions.Holds(at.app, live.ID, live.Generation) {
			continue
		}
		detach := channel.DetachSession{App: at.app, Session: live.ID, Generation: live.Generation}
		if err := n.Detach(ctx, detach); err != nil && !isGone(err) {
			return err
		}
	}
	n.doubts.settle(at.app, ids)
	return nil
}
