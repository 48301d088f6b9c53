package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// counts is the channels whose clients of Pusher's are told how many subscriptions there are, in the whole cluster (Pusher protocol,
// "Subscription count events"). Others, on this node and elsewhere, come and go without a word: each channel is looked at again and again.
type counts struct {
	wake chan struct{} // one token: something is to be looked at

	mu       sync.Mutex
	channels map[channel.ID]*count // guarded by mu. As many as have subscriptions, at most
}

// count is what is known of one channel.
type count struct {
	// guarded by the mu of counts
	told  int           // the number that was told last
	fresh bool          // somebody may not have been told it
	due   time.Time     // when to look
	every time.Duration // how often: the longer nothing changes, the more seldom
}

// How often a channel is looked at: a large one as seldom as Pusher tells of it.
const (
	countOften   = time.Second
	countSeldom  = 5 * time.Second
	largeCount   = 100
	countDelay   = 50 * time.Millisecond // for which changes are collected
	countLookers = 8                     // channels that are looked at at the same time
)

func newCounts() *counts {
	return &counts{wake: make(chan struct{}, 1), channels: make(map[channel.ID]*count)}
}

// changed notes that somebody came or went here.
func (c *counts) changed(id channel.ID) {
	c.mu.Lock()
	known := c.channels[id]
	if known == nil {
		known = new(count)
		c.channels[id] = known
	}
	if known.told <= largeCount {
		known.due = time.Time{}
	}
	known.fresh = true
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it has been told already
	}
}

// forget looks at a channel no more.
func (c *counts) forget(id channel.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.channels, id)
}

// look takes out the channels that are due, and says when the next one is; zero: there is none.
func (c *counts) look(now time.Time) (due []channel.ID, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, known := range c.channels {
		if !known.due.After(now) {
			due = append(due, id)
			known.due = now.Add(known.interval(false))
		}
		if next.IsZero() || known.due.Before(next) {
			next = known.due
		}
	}
	return due, next
}

// interval is when to look again. news says that there was a change just now.
func (c *count) interval(news bool) time.Duration {
	switch {
	case c.told > largeCount:
		return countSeldom
	case news || c.every == 0:
		c.every = countOften
	default:
		c.every = min(2*c.every, countSeldom)
	}
	return c.every
}

// found takes note of a number, and reports whether it is news to somebody.
func (c *counts) found(id channel.ID, number int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.channels[id]
	if known == nil || !known.fresh && known.told == number {
		return false
	}
	known.told, known.fresh = number, false
	known.due = time.Now().Add(known.interval(true))
	return true
}

// keepCounts looks at channels until ctx ends.
func (s *Server) keepCounts(ctx context.Context) {
	alarm, delay := time.NewTimer(countSeldom), time.NewTimer(countDelay)
	defer alarm.Stop()
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.counts.wake:
		case <-alarm.C:
		}
		delay.Reset(countDelay)
		select {
		case <-ctx.Done():
			return
		case <-delay.C:
		}
		due, next := s.counts.look(time.Now())
		s.tellCounts(ctx, due)
		if !next.IsZero() {
			alarm.Reset(time.Until(next))
		}
	}
}

// tellCounts asks for the numbers of channels and tells those that are news.
func (s *Server) tellCounts(ctx context.Context, channels []channel.ID) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	var lookers sync.WaitGroup
	for part := range slices.Chunk(channels, len(channels)/countLookers+1) {
		lookers.Go(func() {
			for _, id := range part {
				s.tellCount(ctx, id)
			}
		})
	}
	lookers.Wait()
}

func (s *Server) tellCount(ctx context.Context, id channel.ID) {
	e := s.hub.find(id)
	if e == nil {
		s.counts.forget(id)
		return
	}
	number, err := s.backend.Subscribers(ctx, id)
	if err != nil {
		return // it is looked at again
	}
	if s.counts.found(id, number) && !e.pushPusher(pusher.AppendCount(nil, id.Name, number)) {
		s.counts.forget(id)
	}
}

// pushPusher pushes a text to the clients of Pusher's that follow the channel, and reports whether there are any. Who has no room for it is
// told the next one.
func (e *entry) pushPusher(text []byte) (some bool) {
	told := frameItem(textFrame(text))
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, sub := range e.subs {
		if sub.outbox == nil || !sub.outbox.isPusher() {
			continue
		}
		some = true
		if sub.mode != joining { // else it has not been told that it follows
			sub.outbox.tryPush(told)
		}
	}
	return some
}

// isPusher reports whether it is of a socket of Pusher's.
func (o *outbox) isPusher() bool {
	driver, ok := o.writer.(*driver)
	return ok && driver.conn.pusher != nil
}

// countPusher notes that a client came to a channel, or went, where its app wants to have that told: not where users see each other, nor of
// the connections of one user.
func (s *Server) countPusher(session *Session, client *pusherClient, name string) {
	kind := pusher.KindOf(name)
	if client.app.SubscriptionCounts && !kind.Is(pusher.Presence) && !kind.Is(pusher.User) {
		s.counts.changed(session.channelID(name))
	}
}
