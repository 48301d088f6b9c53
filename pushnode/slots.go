package pushnode

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// slotCount is fixed for the life of a cluster: a channel's slot is part of every route.
const slotCount = 1024

// copies is how many nodes hold what was acknowledged: this one. A cluster of one has no other.
const copies = 1

// slots hosts this node's copies of the slots: it gives them time and commands, hands their effects on in the order of each
// log, and wakes who waits for an outcome. Lock order: a slot's mu, then a delivery queue's.
type slots struct {
	hosted  [slotCount]hosted
	effects *deliveries
	// channels is how many each app has: replaced as a whole by every count, read by every publication.
	channels atomic.Pointer[channelCount]
}

// channelCount is how many channels each app had when they were counted, and how many were begun since. Those that were dropped
// since still count.
type channelCount struct {
	counted map[string]int // immutable
	begun   sync.Map       // app id -> *atomic.Int64
}

// hosted is one slot and who waits for it.
type hosted struct {
	mu      sync.Mutex
	slot    *slot.Slot                       // guarded by mu
	waiting map[uint64]chan<- channel.Result // guarded by mu; by ticket
}

func newSlots(self, cluster uint64, effects *deliveries, logger *slog.Logger) (*slots, error) {
	all := &slots{effects: effects}
	all.channels.Store(&channelCount{})
	for i := range all.hosted {
		single, err := slot.New(slot.Config{ID: i, Self: self, Voters: []uint64{self}, Cluster: cluster, Logger: logger})
		if err != nil {
			return nil, fmt.Errorf("slot %d: %w", i, err)
		}
		host := &all.hosted[i]
		host.slot, host.waiting = single, make(map[uint64]chan<- channel.Result)
		if err := single.Campaign(); err != nil {
			return nil, fmt.Errorf("slot %d: campaign: %w", i, err)
		}
		all.settle(i, host)
	}
	return all, nil
}

// slotOf places an app's channel, or session, in its slot.
func slotOf(app, name string) int {
	var buffer [256]byte
	key := append(buffer[:0], app...)
	key = append(key, 0)
	key = append(key, name...)
	return int(xxhash.Sum64(key) % slotCount)
}

// propose puts one command into the slot's log and returns its result once it is acknowledged and applied.
func (s *slots) propose(ctx context.Context, index int, command channel.Command) (channel.Result, error) {
	if err := ctx.Err(); err != nil {
		return channel.Result{}, err
	}
	if mayBeRefused(command) && s.effects.overloaded(index) {
		return channel.Result{}, slot.ErrOverloaded
	}
	host := &s.hosted[index]
	host.mu.Lock()
	ticket, err := host.slot.Propose(time.Now().UnixMilli(), []channel.Command{command})
	if err != nil {
		host.mu.Unlock()
		return channel.Result{}, err
	}
	if id := needs(command); id != (channel.ID{}) && !host.slot.State().Holds(id) {
		s.channels.Load().add(id.App)
	}
	outcome := make(chan channel.Result, 1)
	host.waiting[ticket] = outcome
	s.settle(index, host)
	host.mu.Unlock()

	select {
	case result := <-outcome: // with one voter it is always there
		return result, result.Err
	default:
	}
	select {
	case result := <-outcome:
		return result, result.Err
	case <-ctx.Done():
		host.mu.Lock()
		delete(host.waiting, ticket)
		host.mu.Unlock()
		return channel.Result{}, fmt.Errorf("slot %d: outcome unknown: %w", index, ctx.Err())
	}
}

// mayBeRefused reports whether the command adds work. What ends something is taken even where too much is to be delivered: refused, it
// would be there for ever.
func mayBeRefused(command channel.Command) bool {
	switch command.(type) {
	case channel.Publish, channel.EnterPresence, channel.AttachSession:
		return true
	default:
		return false
	}
}

// needs is the channel that the command begins where it is not there yet; the zero ID where it begins none.
func needs(command channel.Command) channel.ID {
	switch command := command.(type) {
	case channel.Publish:
		return command.Channel
	case channel.EnterPresence:
		return command.Channel
	default:
		return channel.ID{}
	}
}

// settle lets the slot do what can be done now. The caller holds host.mu.
func (s *slots) settle(index int, host *hosted) {
	output := host.slot.Advance()
	for _, outcome := range output.Outcomes {
		if waiter, found := host.waiting[outcome.Ticket]; found {
			delete(host.waiting, outcome.Ticket)
			waiter <- outcome.Results[0]
		}
	}
	s.effects.push(index, output.Effects)
}

// read runs query on the state of the slot's leader. query must not keep the state, nor call back into slots.
func (s *slots) read(ctx context.Context, index int, query func(*channel.State)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	host := &s.hosted[index]
	host.mu.Lock()
	defer host.mu.Unlock()
	if !host.slot.Status().Settled {
		return slot.ErrNotLeader
	}
	query(host.slot.State())
	return nil
}

// Time of the slots: the tick is raft's; the sweep lets what is too old go; the count is for the limit of channels.
const (
	tickInterval  = 100 * time.Millisecond
	sweepInterval = time.Second
	countInterval = 10 * time.Second
)

// run gives the slots time until ctx ends.
func (s *slots) run(ctx context.Context) {
	ticks := time.NewTicker(tickInterval)
	defer ticks.Stop()
	swept, counted := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			sweep := now.Sub(swept) >= sweepInterval
			if sweep {
				swept = now
			}
			for i := range s.hosted {
				s.tick(i, now.UnixMilli(), sweep)
			}
			if now.Sub(counted) >= countInterval {
				counted = now
				s.count(ctx)
			}
		}
	}
}

func (s *slots) tick(index int, now int64, sweep bool) {
	host := &s.hosted[index]
	host.mu.Lock()
	defer host.mu.Unlock()
	host.slot.Tick()
	if deadline, due := host.slot.State().NextDeadline(); sweep && due && deadline <= now {
		// A slot that cannot take it now is asked again at the next sweep.
		_, _ = host.slot.Propose(now, []channel.Command{channel.Advance{}})
	}
	s.settle(index, host)
}

// count counts the channels of every app.
func (s *slots) count(ctx context.Context) {
	counts := make(map[string]int)
	for i := range s.hosted {
		// A slot that this node does not lead is counted where it is led.
		_ = s.read(ctx, i, func(state *channel.State) { state.CountChannels(counts) })
	}
	s.channels.Store(&channelCount{counted: counts})
}

// channelsOf is how many channels the app has: those of the latest count and those begun since.
func (s *slots) channelsOf(app string) int { return s.channels.Load().of(app) }

// holds reports whether the slot of a channel holds it.
func (s *slots) holds(ctx context.Context, id channel.ID) (held bool, err error) {
	err = s.read(ctx, slotOf(id.App, id.Name), func(state *channel.State) { held = state.Holds(id) })
	return held, err
}

func (c *channelCount) of(app string) int {
	count := c.counted[app]
	if begun, found := c.begun.Load(app); found {
		count += int(begun.(*atomic.Int64).Load())
	}
	return count
}

func (c *channelCount) add(app string) {
	begun, found := c.begun.Load(app)
	if !found {
		begun, _ = c.begun.LoadOrStore(app, new(atomic.Int64))
	}
	begun.(*atomic.Int64).Add(1)
}
