package history

import "slices"

// streamKey names what one subscriber sees of one channel.
type streamKey struct{ client, channel string }

// stream is what one subscriber has seen of one channel over all its connections.
type stream struct {
	streamKey
	start    position // where it began
	last     position // after what it goes on
	received []span
	told     []span   // what gaps covered
	breaks   []seam   // changes of the epoch that a gap told
	left     []string // epochs that are over
}

// span is the offsets first to last of an epoch, both included.
type span struct {
	epoch       string
	first, last uint64
}

func (s span) holds(at position) bool {
	return s.epoch == at.epoch && s.first <= at.offset && at.offset <= s.last
}

// seam is where a gap led from one epoch to another.
type seam struct{ from, to string }

// received takes what a subscriber saw.
func (c *checker) received(e *Event) {
	key := streamKey{e.Client, e.Channel}
	s := c.streams[key]
	if s == nil {
		if e.Kind != Attach {
			c.violate(Malformed, e, "%v before the subscription", e.Kind)
			return
		}
		s = &stream{streamKey: key, start: e.position(), last: e.position()}
		c.streams[key] = s
		c.order = append(c.order, s)
		c.channel(e.Channel).see(e.Epoch)
		return
	}
	// Where a subscription comes back, its position alone moves nothing: either it is where the subscriber was, or a gap follows.
	switch e.Kind {
	case Message:
		c.channel(e.Channel).deliver(e)
		c.message(s, e)
	case Gap:
		c.channel(e.Channel).see(e.Epoch)
		c.gap(s, e)
	}
}

// see notes an epoch that has no message yet.
func (ch *channel) see(epoch string) {
	if epoch != "" && !slices.Contains(ch.epochs, epoch) {
		ch.epochs = append(ch.epochs, epoch)
	}
}

// message holds I3, I4 and I6 for one subscriber: one after the other.
func (c *checker) message(s *stream, e *Event) {
	at := e.position()
	if at.epoch != s.last.epoch {
		if slices.Contains(s.left, at.epoch) {
			c.violate(EpochBack, e, "the stream had come to %v", s.last)
			return
		}
		s.leave()
		// A new numbering needs no gap if it is seen from its first message, nor one that goes on where the former one was.
		if at.offset != s.last.offset+1 {
			s.last.offset = 0
		}
		s.last.epoch = at.epoch
	}
	switch {
	case at.offset <= s.last.offset && s.has(at):
		c.violate(Duplicate, e, "it came before; the stream had come to %v", s.last)
		return
	case at.offset <= s.last.offset:
		c.violate(Disorder, e, "the stream had come to %v", s.last)
	case at.offset > s.last.offset+1:
		c.violate(SilentGap, e, "the stream had come to %v", s.last)
	}
	s.take(at)
	if at.offset > s.last.offset {
		s.last = at
	}
}

// gap moves the stream on, over what it tells to be missing.
func (c *checker) gap(s *stream, e *Event) {
	at := e.position()
	switch {
	case c.rules.Smooth:
		c.violate(Noticed, e, "gap: %s", e.Reason)
	case c.rules.NoGaps && e.Reason != "evicted" && e.Reason != "slow_consumer":
		c.violate(Needless, e, "gap: %s", e.Reason)
	}
	if at.epoch != s.last.epoch {
		if slices.Contains(s.left, at.epoch) {
			c.violate(EpochBack, e, "a gap leads there from %v", s.last)
			return
		}
		s.breaks = append(s.breaks, seam{s.last.epoch, at.epoch})
		s.leave()
		s.told = append(s.told, span{at.epoch, 1, at.offset})
		s.last = at
		return
	}
	if at.offset < s.last.offset {
		c.violate(Unreasonable, e, "a gap leads back from %v", s.last)
		return
	}
	first := s.last.offset + 1
	if e.From > first {
		c.violate(SilentGap, e, "the gap begins at %d, the stream had come to %v", e.From, s.last)
		first = e.From
	}
	s.told = append(s.told, span{at.epoch, first, at.offset})
	s.last = at
}

// leave closes the epoch that the stream is in.
func (s *stream) leave() { s.left = append(s.left, s.last.epoch) }

// take notes a message as received. Neighbours share a span, so that a stream without faults has one an epoch.
func (s *stream) take(at position) {
	if n := len(s.received); n > 0 {
		if last := &s.received[n-1]; last.epoch == at.epoch && last.last+1 == at.offset {
			last.last++
			return
		}
	}
	s.received = append(s.received, span{at.epoch, at.offset, at.offset})
}

// has reports whether the message at a position came.
func (s *stream) has(at position) bool { return holds(s.received, at) }

func holds(spans []span, at position) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.holds(at) })
}
