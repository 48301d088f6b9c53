package history

import "slices"

// channel is what publishers and readers saw of one channel.
type channel struct {
	publications map[string]*publication
	invoked      []*publication        // in the order of their first try
	ids          map[position][]string // what stands where, as anybody says
	delivered    map[position]string   // what came to the first subscriber
	epochs       []string              // in the order in which they were first acknowledged or delivered
	acked        position              // the highest position of the newest epoch that was acknowledged
}

// publication is one message, by its id.
type publication struct {
	id      string
	invoke  Event
	tries   int
	first   *Event     // the first acknowledgement
	refused bool       // and not one try can have been stored
	places  []position // where it was seen or said to be
	bound   position   // what was acknowledged in its channel before it was first sent
}

func (c *checker) channel(name string) *channel {
	ch := c.channels[name]
	if ch == nil {
		ch = &channel{publications: make(map[string]*publication), ids: make(map[position][]string), delivered: make(map[position]string)}
		c.channels[name] = ch
	}
	return ch
}

// of returns the publication of an event, nil if nobody has sent it.
func (ch *channel) of(e *Event) *publication { return ch.publications[e.ID] }

// publication takes what a publisher did or was answered.
func (c *checker) publication(e *Event) {
	ch := c.channel(e.Channel)
	if e.Kind == Invoke || e.Kind == Earlier {
		if ch.of(e) != nil {
			c.violate(Malformed, e, "two publishers use one id")
			return
		}
		p := &publication{id: e.ID, invoke: *e, tries: 1, bound: ch.acked}
		ch.publications[e.ID] = p
		ch.invoked = append(ch.invoked, p)
		return
	}
	p := ch.of(e)
	switch {
	case p == nil:
		c.violate(Malformed, e, "%v of what was not sent", e.Kind)
	case e.Kind == Retry:
		p.tries++
	case e.Kind == Refused:
		p.refused = true
	case e.Kind == OK:
		c.acknowledged(ch, p, e)
	}
}

func (c *checker) acknowledged(ch *channel, p *publication, e *Event) {
	ch.place(e)
	if c.rules.Copies > 0 && e.Copies < c.rules.Copies {
		c.violate(FewCopies, e, "%d copies, %d are promised", e.Copies, c.rules.Copies)
	}
	switch {
	case p.first == nil && e.Duplicate && p.tries == 1 && !c.doubt():
		c.violate(Doubled, e, "the first try is called a duplicate")
	case p.first == nil:
		p.first = new(*e)
	case p.first.position() != e.position() && p.first.Epoch == e.Epoch:
		c.violate(Doubled, e, "it was acknowledged at %v before", p.first.position())
	case !e.Duplicate && p.first.Epoch == e.Epoch && !c.doubt():
		c.violate(Doubled, e, "the repeat is not called a duplicate")
	}
	if ch.newer(e.position(), ch.acked) {
		ch.acked = e.position()
	}
}

// place notes that the message of an event stands at its position.
func (ch *channel) place(e *Event) {
	at := e.position()
	if !slices.Contains(ch.epochs, e.Epoch) {
		ch.epochs = append(ch.epochs, e.Epoch)
	}
	if known := ch.ids[at]; slices.Contains(known, e.ID) {
		return
	} else {
		ch.ids[at] = append(known, e.ID)
	}
	if p := ch.of(e); p != nil {
		p.places = append(p.places, at)
	}
}

// deliver notes that the message of an event came to somebody.
func (ch *channel) deliver(e *Event) {
	ch.place(e)
	if _, ok := ch.delivered[e.position()]; !ok {
		ch.delivered[e.position()] = e.ID
	}
}

// newer reports whether a stands behind b: in a newer epoch, or further on in the same.
func (ch *channel) newer(a, b position) bool {
	if a.epoch == b.epoch {
		return a.offset > b.offset
	}
	return ch.age(a.epoch) > ch.age(b.epoch)
}

// age is an epoch's place among those of its channel; -1 if it was never seen.
func (ch *channel) age(epoch string) int { return slices.Index(ch.epochs, epoch) }
