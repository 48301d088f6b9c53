package pushnode

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"halley/pushnode/channel"
)

// channelCount is how many channels each app had when they were counted, and how many were begun here since. Those that were dropped
// since still count.
type channelCount struct {
	counted map[string]int // immutable
	begun   sync.Map       // app id -> *atomic.Int64
}

// keepCount counts the channels of every app, again and again until ctx ends.
func (s *slots) keepCount(ctx context.Context) {
	every(ctx, countInterval, func(time.Time) { s.count(ctx) })
}

// count counts the channels of every app. Where a slot cannot tell just now, the last count stands.
func (s *slots) count(ctx context.Context) {
	answers, err := s.queryAll(ctx, channel.CountQuery{})
	if err != nil {
		return
	}
	counts := make(map[string]int)
	for _, answer := range answers {
		for _, one := range answer.(channel.Counts) {
			counts[one.App] += one.Channels
		}
	}
	s.channels.Store(&channelCount{counted: counts})
}

// noteBegun counts a channel that a command began.
func (s *slots) noteBegun(command channel.Command, result *channel.Result) {
	switch command := command.(type) {
	case channel.Publish:
		if result.Position.Offset == 1 && !result.Duplicate {
			s.channels.Load().add(command.Channel.App)
		}
	case channel.EnterPresence:
		if result.Version == 1 {
			s.channels.Load().add(command.Channel.App)
		}
	}
}

// channelsOf is how many channels the app has: those of the latest count and those begun since.
func (s *slots) channelsOf(app string) int { return s.channels.Load().of(app) }

// holds reports whether the slot of a channel holds it.
func (s *slots) holds(ctx context.Context, id channel.ID) (bool, error) {
	answer, err := s.query(ctx, slotOf(id.App, id.Name), channel.HoldsQuery{Channel: id})
	if err != nil {
		return false, err
	}
	return bool(answer.(channel.Held)), nil
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
