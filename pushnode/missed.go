package pushnode

import (
	"context"
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
)

// slotSet is slots that wait to be looked at, each once.
type slotSet struct {
	wake chan struct{} // one token: there may be some

	mu sync.Mutex
	// guarded by mu
	slots map[int]struct{}
}

func newSlotSet() *slotSet {
	return &slotSet{wake: make(chan struct{}, 1), slots: make(map[int]struct{})}
}

func (s *slotSet) add(index int) {
	s.mu.Lock()
	s.slots[index] = struct{}{}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it has been told already
	}
}

func (s *slotSet) takeAll() map[int]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.slots
	s.slots = make(map[int]struct{})
	return taken
}

const (
	// missedDelay is how long slots are collected before their sessions are looked at: a lost leader takes hundreds of them along.
	missedDelay = 500 * time.Millisecond
	// missedPage is how many sessions a slot is asked about at a time.
	missedPage = 256
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

// appSlot is the sessions of one app in one slot.
type appSlot struct {
	app  string
	slot int
}

func (n *Node) checkSessions(ctx context.Context, slots map[int]struct{}) {
	held := make(map[appSlot][]session.Lasting)
	for _, one := range n.sessions.Lasting() {
		index := slotOf(one.App, one.ID)
		if _, asked := slots[index]; asked {
			held[appSlot{one.App, index}] = append(held[appSlot{one.App, index}], one)
		}
	}
	for at, sessions := range held {
		for page := range slices.Chunk(sessions, missedPage) {
			if err := n.checkPage(ctx, at, page); err != nil && ctx.Err() == nil {
				n.logger.Debug("sessions not looked at, trying again", "slot", at.slot, "err", err)
				n.slots.missed.add(at.slot)
				break
			}
		}
	}
}

// checkPage lets go of sessions that have ended or live elsewhere.
func (n *Node) checkPage(ctx context.Context, at appSlot, page []session.Lasting) error {
	ids := make([]string, len(page))
	for i, one := range page {
		ids[i] = one.ID
	}
	answer, err := n.slots.query(ctx, at.slot, channel.AliveQuery{App: at.app, Sessions: ids})
	if err != nil {
		return err
	}
	alive := make(map[string]channel.LiveSession, len(page))
	for _, one := range answer.(channel.LiveSessions) {
		alive[one.ID] = one
	}
	for _, one := range page {
		switch live, found := alive[one.ID]; {
		case !found:
			n.sessions.Ended(one.App, one.ID)
		case live.Generation > one.Generation:
			n.sessions.Moved(one.App, one.ID, live.Generation)
		}
	}
	return nil
}
