package pushnode

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/host"
	"halley/pushnode/wire"
)

// slotCount is fixed for the life of a cluster: a channel's slot is part of every route.
const slotCount = 1024

// copiesWanted is how many nodes are to hold each slot: one may die at any time, and a majority is left.
const copiesWanted = 3

// slots is this node's way to all slots of the cluster: it gives the host its time, waits for the outcomes of requests, and is what the
// host has around it.
type slots struct {
	// immutable after newSlots
	host     *host.Host
	cluster  uint64
	clock    clock
	effects  *deliveries
	once     func(channel.Effect) // is given what concerns the cluster once, on the node that leads; must not block
	missed   *slotSet             // slots in which the fate of sessions may have been missed
	asked    *asked               // what other nodes want to know
	lists    *listings            // questions to all slots at once
	guard    *guard               // says when this node can take no more
	webhooks *webhooks            // is told what apps want to know
	links    links                // nil: there are no other nodes
	waiters  sync.Pool            // of *waiter

	// channels is how many each app has: replaced as a whole by every count, read by every publication.
	channels atomic.Pointer[channelCount]
}

func newSlots(config Config, effects *deliveries, once func(channel.Effect)) *slots {
	s := &slots{
		cluster: config.Cluster, clock: clock{start: time.Now()}, effects: effects, once: once, missed: newSlotSet(), asked: newAsked(),
		lists: newListings(), waiters: sync.Pool{New: newWaiter},
	}
	s.host = host.New(host.Config{
		Self: config.Instance, Cluster: config.Cluster, Slots: slotCount, Copies: copiesWanted, Seed: rand.Uint64(),
		TwoNodes: twoNodes(config.Peering), Legacy: config.Legacy.ofHost(), Logger: config.Logger,
	}, s)
	s.channels.Store(&channelCount{})
	return s
}

func twoNodes(peering *Peering) host.TwoNodes {
	if peering != nil && peering.StrictTwo {
		return host.Strict
	}
	return host.Available
}

// links carries frames to other nodes.
type links interface {
	Send(to uint64, class host.Class, frame []byte) bool
	Queued(to uint64, class host.Class) int
}

// clock is Unix milliseconds that never jump, whatever happens to the wall clock.
type clock struct{ start time.Time }

func (c clock) now() int64 { return c.start.UnixMilli() + time.Since(c.start).Milliseconds() }

// slotOf places an app's channel, or session, in its slot.
func slotOf(app, name string) int { return host.SlotOf(app, name, slotCount) }

// requestTime is how long a request may take where its caller has no deadline.
const requestTime = 5 * time.Second

// propose has one command applied by the leader of its slot, and returns what came of it once that is acknowledged.
func (s *slots) propose(ctx context.Context, index int, command channel.Command) (host.Reply, error) {
	if host.AddsWork(command) && s.effects.overloaded(index) {
		return host.Reply{}, host.ErrOverloaded
	}
	now, deadline, err := s.begin(ctx)
	if err != nil {
		return host.Reply{}, err
	}
	w := s.waiters.Get().(*waiter)
	s.host.Propose(now, index, command, deadline, w.tell)
	reply, err := s.await(ctx, w)
	if err == nil {
		s.noteBegun(command, &reply.Result)
	}
	return reply, err
}

// query has a question answered by the leader of a slot.
func (s *slots) query(ctx context.Context, index int, query channel.Query) (channel.Answer, error) {
	now, deadline, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	w := s.waiters.Get().(*waiter)
	s.host.Query(now, index, query, deadline, w.tell)
	reply, err := s.await(ctx, w)
	return reply.Answer, err
}

// begin says from when to when (milliseconds) a request may take.
func (s *slots) begin(ctx context.Context) (now, deadline int64, err error) {
	wait := requestTime
	if until, bounded := ctx.Deadline(); bounded {
		wait = min(wait, time.Until(until))
	}
	now = s.clock.now()
	return now, now + wait.Milliseconds(), ctx.Err()
}

// waiter waits for the reply to one request, and then to others.
type waiter struct {
	outcome chan host.Reply  // room for the one reply
	tell    func(host.Reply) // made once: it is given to the host with each request
}

func newWaiter() any {
	w := &waiter{outcome: make(chan host.Reply, 1)}
	w.tell = func(reply host.Reply) { w.outcome <- reply }
	return w
}

// await waits for a reply, or for the end of ctx: then the outcome is not known, and whoever brings it later still has the waiter.
func (s *slots) await(ctx context.Context, w *waiter) (host.Reply, error) {
	select {
	case reply := <-w.outcome: // where this node is the only copy it is always there
		s.waiters.Put(w)
		return reply, reply.Err
	default:
	}
	select {
	case reply := <-w.outcome:
		s.waiters.Put(w)
		return reply, reply.Err
	case <-ctx.Done():
		return host.Reply{}, ctx.Err()
	}
}

// Time of the slots.
const (
	tickInterval  = 50 * time.Millisecond
	countInterval = 10 * time.Second // of channels, for their limit
)

// run gives the host its time until ctx ends.
func (s *slots) run(ctx context.Context) {
	every(ctx, tickInterval, func(time.Time) { s.host.Tick(s.clock.now()) })
}

// The methods of host.Surroundings.

// Send puts a frame in line for a node.
func (s *slots) Send(to uint64, class host.Class, frame []byte) bool {
	return s.links != nil && s.links.Send(to, class, frame)
}

// Queued is how many bytes wait for a node.
func (s *slots) Queued(to uint64, class host.Class) int {
	if s.links == nil {
		return 0
	}
	return s.links.Queued(to, class)
}

// Deliver puts what happened in a slot in line for its fan-out here.
func (s *slots) Deliver(index int, effects []channel.Effect, leads bool) {
	s.effects.push(index, effects)
	if !leads {
		return
	}
	for _, effect := range effects {
		s.once(effect)
	}
}

// Behind puts where a channel stands in line behind what happened before.
func (s *slots) Behind(id channel.ID, position channel.Position, version uint64) {
	s.effects.pushBehind(slotOf(id.App, id.Name), behind{
		id: id, messages: true, position: position, presence: true, version: version,
	})
}

// Missed has the sessions of a slot looked at.
func (s *slots) Missed(index int) { s.missed.add(index) }

// Called puts a question of another node in line for its answer.
func (s *slots) Called(from, id uint64, question []byte) {
	if !s.asked.add(askedBy{from: from, id: id, question: question}) {
		s.host.Answer(from, id, encodePeer(peerAnswer{Err: peerErrorOf(wire.NewError(wire.CodeOverCapacity).After(retryUnavailable))}))
	}
}

// Watched reports whether an app wants to be told who comes and goes.
func (s *slots) Watched(app string) bool { return s.webhooks.watched(app) }

// Hooked takes what apps are to be told.
func (s *slots) Hooked(index int, hooks []channel.Hook) int { return s.webhooks.hooked(index, hooks) }

// Counted takes in how many subscribers a channel has.
func (s *slots) Counted(id channel.ID, count int) { s.webhooks.counted(id, count) }

// Overloaded reports whether the slot's effects are too far behind to take more, or this node has no memory for more.
func (s *slots) Overloaded(index int) bool { return s.effects.overloaded(index) || s.guard.critical() }
