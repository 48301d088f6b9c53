package host_test

import (
	"fmt"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// sent is one message of a publisher, and what became of it.
type sent struct {
	id       string
	channel  channel.ID
	begun    moment
	asked    moment // begun, or asked for again after it was acknowledged
	acked    moment // 0: not
	position channel.Position
	doubt    bool // an attempt may have stored it
	over     bool // the publisher gave up
	grown    bool // its slot had all copies when it was begun
	tries    int
}

// publisher publishes one message after the other, each with the same id until it is acknowledged.
type publisher struct {
	w      *world
	name   string
	rate   moment
	count  int
	silent bool // publishes no more
}

func (p *publisher) next() {
	if p.silent {
		return
	}
	p.count++
	m := &sent{id: fmt.Sprint(p.name, ".", p.count), channel: pick(p.w.timeline, p.w.channels), begun: p.w.now, asked: p.w.now}
	m.grown = p.w.grown(m.channel)
	p.w.sentMessages = append(p.w.sentMessages, m)
	p.try(m)
}

// grown reports whether a channel's slot has all its copies. It may have fewer later, where nodes leave and others are lost for long.
func (w *world) grown(id channel.ID) bool {
	for _, n := range w.all {
		if slot := n.host.SlotOf(id.App, id.Name); n.alive && n.host.Status(slot).Leads {
			return len(n.host.Status(slot).Voters) >= simCopies
		}
	}
	return false
}

// try gives the message to a node, and again to another where that fails.
func (p *publisher) try(m *sent) {
	n := p.w.anyNode()
	if n == nil {
		p.again(m)
		return
	}
	m.tries++
	command := channel.Publish{
		Channel: m.channel, ID: p.w.publishedAs(m), Event: "e", Data: []byte("1"),
		Retention: channel.Retention{Messages: 1 << 20, Bytes: 1 << 30, Age: 1e12},
	}
	p.w.propose(n, n.host.SlotOf(m.channel.App, m.channel.Name), command, n.clock()+5000, func(reply host.Reply) {
		switch {
		case reply.Err == nil:
			p.acked(m, reply)
		case reply.Err == host.ErrNotDone, reply.Err == host.ErrOverloaded:
			p.again(m)
		default:
			m.doubt = true
			p.again(m)
		}
	})
}

func (p *publisher) acked(m *sent, reply host.Reply) {
	p.w.operation(m.channel, m.id, m.asked, p.w.now, reply.Result.Position.Offset)
	if m.acked == 0 {
		m.acked, m.position = p.w.now, reply.Result.Position
	}
	p.w.checkAck(m, reply)
	if m.tries < 20 && p.w.oneIn(20) { // some ask twice
		m.asked = p.w.now
		p.try(m)
		return
	}
	p.w.after(p.w.between(p.rate/2, 3*p.rate/2), p.next)
}

func (p *publisher) again(m *sent) {
	if p.silent || m.tries > 40 {
		m.over = true
		return
	}
	if !m.doubt && p.w.oneIn(4) { // some never ask again: what was not stored must never appear
		m.over = true
		p.w.after(p.rate, p.next)
		return
	}
	p.w.after(p.w.between(10*millisecond, 300*millisecond), func() { p.try(m) })
}

// subscriber follows channels from node to node. Where it stands goes with it.
type subscriber struct {
	w     *world
	name  string
	at    *node
	subs  []*following
	begun map[channel.ID]bool
	last  map[channel.ID]channel.Position
	first map[channel.ID]channel.Position
	ids   map[channel.ID]map[string]bool
	gaps  int
}

func (s *subscriber) connect() {
	n := s.w.anyNode()
	if n == nil {
		s.w.after(s.w.between(50*millisecond, 500*millisecond), s.connect)
		return
	}
	s.at = n
	for _, id := range s.w.channels {
		s.subs = append(s.subs, n.edge.join(s, id))
	}
}

// cutOff is called when the connection breaks; the client comes back elsewhere.
func (s *subscriber) cutOff() {
	s.at, s.subs = nil, nil
	s.w.after(s.w.between(0, 500*millisecond), s.connect)
}

// move leaves a living node for another.
func (s *subscriber) move() {
	if s.at == nil || !s.at.alive || s.at.paused {
		return
	}
	for _, f := range s.subs {
		s.at.edge.leave(f)
	}
	s.cutOff()
}

// begin takes in where a backlog begins.
func (s *subscriber) begin(id channel.ID, backlog channel.Backlog) {
	if !s.begun[id] {
		s.begun[id], s.first[id] = true, backlog.From
		s.w.history.begun = append(s.w.history.begun, followedAt{s, id, s.w.now})
	} else if backlog.Gap != nil {
		s.w.gapTold(s, id, backlog)
	}
	s.last[id] = backlog.From
}

func (s *subscriber) receive(id channel.ID, position channel.Position, message string) {
	s.w.checkDelivery(s, id, position, message)
	s.last[id] = position
}
