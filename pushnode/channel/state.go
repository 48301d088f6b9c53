// Package channel is the state that a slot holds: channels with their history, offsets and presence, and sessions. It is the
// result of applying the slot's log, command by command, and of nothing else, so that all copies of a slot are equal.
//
// It does no I/O, reads no clock, starts no goroutine, and knows neither connections nor permissions: those who propose commands
// have checked them. A State is not safe for concurrent use; its owner is the slot's.
//
// Start reading at State.Apply, then publish.go, presence.go and sessions.go for what commands do, resume.go for what readers
// get, query.go for those who read from another node, batch.go and snapshot.go for the bytes. DESIGN.md says why.
package channel

import (
	"fmt"
	"slices"
	"strings"
)

// State is what one slot holds.
type State struct {
	cluster    uint64
	generation uint32
	lineage    lineage
	now        int64 // Unix milliseconds: the latest that an Apply was given
	digest     digest
	eras       eras
	channels   map[ID]*channelState
	tombstones map[ID]*tombstone
	sessions   map[ID]*sessionState // by app and session id
	edges      edges
	departures departures
	hooks      hooks
	timers     timers
	usage      Usage

	effects  []Effect // of the Apply under way
	expected int      // how many there may be
}

// NewState returns the empty state of a slot in a cluster.
func NewState(cluster uint64) *State {
	return &State{
		cluster:    cluster,
		eras:       newEras(),
		channels:   make(map[ID]*channelState),
		tombstones: make(map[ID]*tombstone),
		sessions:   make(map[ID]*sessionState),
		edges:      make(edges),
	}
}

// Apply moves the state's clock to now (Unix milliseconds; it never goes back), lets go what is too old by then, and applies the
// commands of one log entry in order. It returns one result for each command, and all effects in the order of the log.
func (s *State) Apply(now int64, commands []Command) ([]Result, []Effect) {
	s.now = max(s.now, now)
	s.digest.number(uint64(s.now))
	s.expected = len(commands)
	if slices.Contains(commands, Command(RestartGrace{})) {
		s.restartGrace()
	}
	s.expire()
	results := make([]Result, len(commands))
	for i, command := range commands {
		results[i] = s.apply(command)
		s.digest.result(&results[i])
	}
	effects := s.effects
	s.effects = nil
	s.digest.number(uint64(len(effects)))
	return results, effects
}

func (s *State) apply(command Command) Result {
	switch c := command.(type) {
	case Publish:
		return s.publish(c)
	case Import:
		return s.importAll(c)
	case EnterPresence:
		return s.enter(c)
	case LeavePresence:
		return s.leave(c)
	case AttachSession:
		return s.attach(c)
	case UpdateSession:
		return s.update(c)
	case DetachSession:
		return s.detach(c)
	case EndSession:
		return s.end(c)
	case PresenceCleared:
		return s.cleared(c)
	case BreakEpoch:
		return s.breakEpoch(c)
	case EdgeLost:
		return s.edgeLost(c)
	case Occupy:
		return s.occupy(c)
	case Announced:
		return s.announced(c)
	case RestartGrace, Advance: // RestartGrace was heeded before anything could fall due
		return Result{}
	}
	panic(fmt.Sprintf("channel: unknown command %T", command))
}

func (s *State) emit(effect Effect) {
	if s.effects == nil {
		s.effects = make([]Effect, 0, max(1, s.expected))
	}
	s.effects = append(s.effects, effect)
}

// expire acts on every deadline up to now, in their order. A timer that rings early is put at its deadline first, also where that
// has passed: a copy restored from a snapshot has exact timers, and must do the same things in the same order.
func (s *State) expire() {
	s.departures.trim(s.now - DepartureTTL.Milliseconds())
	s.hooks.trim(s.now - HookTTL.Milliseconds())
	for len(s.timers) > 0 && s.timers[0].at <= s.now {
		one := s.timers[0]
		owner := s.owner(one)
		if deadline := owner.deadline(); deadline > one.at {
			s.timers.reset(one, deadline)
			continue
		}
		owner.expire(s)
	}
}

// owner is what a timer belongs to. expire must move the deadline beyond s.now, or end the owner.
type owner interface {
	deadline() int64
	expire(s *State)
}

func (s *State) owner(one *timer) owner {
	switch one.kind {
	case kindChannel:
		return s.channels[one.id]
	case kindTombstone:
		return s.tombstones[one.id]
	default:
		return s.sessions[one.id]
	}
}

// breakEpoch opens a later generation of the slot: every channel goes on under a new epoch and remembers where it was.
func (s *State) breakEpoch(c BreakEpoch) Result {
	if c.Generation <= s.generation {
		return Result{}
	}
	s.lineage = s.lineage.broken(s.generation, c.Whole)
	s.generation = c.Generation
	for _, held := range s.channels {
		held.numbering = held.broken(c.Generation)
	}
	for _, dropped := range s.tombstones {
		dropped.numbering = dropped.broken(c.Generation)
	}
	s.digest.number(uint64(c.Generation))
	return Result{}
}

// Generation counts the recoveries of the slot by force that its channels were told of: see BreakEpoch.
func (s *State) Generation() uint32 { return s.generation }

// epoch is the epoch of a numbering of this slot.
func (s *State) epoch(n *numbering) Epoch {
	return Epoch{Cluster: s.cluster, Generation: n.generation, Incarnation: n.incarnation}
}

// cloned is the id in memory of its own: what is kept must not keep a log entry alive.
func (id ID) cloned() ID { return ID{App: strings.Clone(id.App), Name: strings.Clone(id.Name)} }
