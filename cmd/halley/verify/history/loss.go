package history

// judgeLoss holds I1: what was acknowledged reached every subscriber that was there or came back, or a gap covers it; and of I4 that
// what came twice in two epochs came over a break that was told.
func (c *checker) judgeLoss() {
	for _, s := range c.order {
		ch := c.channel(s.channel)
		for _, p := range ch.invoked {
			if p.first == nil {
				continue
			}
			if !s.owed(ch, p.first.position()) || s.got(ch, p) || s.toldOf(ch, p.first.position()) {
				continue
			}
			shown := *p.first
			shown.Client = s.client
			c.violate(Lost, &shown, "acknowledged; the subscriber is at %v", s.last)
		}
		for _, p := range ch.invoked {
			c.judgeRepeats(s, ch, p)
		}
	}
}

// owed reports whether the stream began before a position.
func (s *stream) owed(ch *channel, at position) bool { return ch.newer(at, s.start) }

// got reports whether the message came, wherever it stood. Where an acknowledgement names the place of another message, it did not.
func (s *stream) got(ch *channel, p *publication) bool {
	for _, at := range p.places {
		if s.has(at) && ch.delivered[at] == p.id {
			return true
		}
	}
	return false
}

// toldOf reports whether a gap covers a position.
func (s *stream) toldOf(ch *channel, at position) bool {
	if holds(s.told, at) {
		return true
	}
	age := ch.age(at.epoch)
	for _, b := range s.breaks {
		from, to := ch.age(b.from), ch.age(b.to)
		if from < age && age < to {
			return true // an epoch that came and went in between
		}
		if from == age && !s.has(at) && s.after(at) {
			return true // what stood behind the place where the epoch was left
		}
	}
	return false
}

// after reports whether a position stands behind all that came of its epoch.
func (s *stream) after(at position) bool {
	for _, r := range s.received {
		if r.epoch == at.epoch && r.last > at.offset {
			return false
		}
	}
	return true
}

// judgeRepeats finds a message that came in two epochs without a break between them that was told.
func (c *checker) judgeRepeats(s *stream, ch *channel, p *publication) {
	if len(p.places) < 2 {
		return
	}
	var came []position
	for _, at := range p.places {
		if s.has(at) && ch.delivered[at] == p.id {
			came = append(came, at)
		}
	}
	for i := 1; i < len(came); i++ {
		if came[i].epoch != came[i-1].epoch && len(s.breaks) == 0 {
			shown := p.invoke
			shown.Client, shown.Epoch, shown.Offset = s.client, came[i].epoch, came[i].offset
			c.violate(Duplicate, &shown, "it came at %v too, and no break was told", came[i-1])
		}
	}
}
