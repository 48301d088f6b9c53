package host_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// letter is a frame on its way.
type letter struct {
	from, to uint64
	class    host.Class
	frame    []byte
}

// post is hosts with one slot, and what they send each other: in order, at once, unless one who watches holds it back.
type post struct {
	t     *testing.T
	hosts map[uint64]*host.Host
	names map[uint64]string
	order []uint64
	now   int64
	queue []letter
	watch func(letter) (hold bool) // sees each frame before it arrives; nil: nobody
}

// desk is one host's place at the post. What it is told of channels is nobody's here.
type desk struct {
	untold
	p    *post
	self uint64
}

func (d desk) Send(to uint64, class host.Class, frame []byte) bool {
	d.p.queue = append(d.p.queue, letter{from: d.self, to: to, class: class, frame: frame})
	return true
}
func (desk) Queued(uint64, host.Class) int               { return 0 }
func (desk) Deliver(int, []channel.Effect, bool)         {}
func (desk) Behind(channel.ID, channel.Position, uint64) {}
func (desk) Missed(int)                                  {}
func (desk) Called(uint64, uint64, []byte)               {}
func (desk) Overloaded(int) bool                         { return false }

// newPost founds a slot at the first of four nodes, of which three are to hold it. The first one has the highest claim to lead it.
func newPost(t *testing.T) *post {
	t.Helper()
	p := &post{t: t, hosts: map[uint64]*host.Host{}, names: map[uint64]string{}, order: []uint64{1, 2, 3, 4}, now: clockStart}
	for i := 0; len(p.names) == 0; i++ {
		nodes := []host.Node{{Instance: 1, Name: fmt.Sprint("a", i)}, {Instance: 2, Name: "b"}, {Instance: 3, Name: "c"}, {Instance: 4, Name: "d"}}
		if host.Place(nodes, 1, 4)[0][0] == 1 {
			p.names = map[uint64]string{1: nodes[0].Name, 2: "b", 3: "c", 4: "d"}
		}
	}
	for _, self := range p.order {
		config := host.Config{Self: self, Cluster: 1, Slots: 1, Copies: 3, Seed: self, Logger: slog.New(slog.DiscardHandler)}
		p.hosts[self] = host.New(config, desk{p: p, self: self})
	}
	for _, self := range p.order {
		for _, other := range p.order {
			if other != self {
				p.hosts[self].PeerUp(p.now, other)
			}
		}
	}
	if err := p.hosts[1].Found(p.now); err != nil {
		t.Fatal(err)
	}
	return p
}

// view tells all that one node drains, so that the slot belongs to the three others.
func (p *post) view(draining uint64) {
	var nodes []host.Node
	for _, instance := range p.order {
		nodes = append(nodes, host.Node{Instance: instance, Name: p.names[instance], Draining: instance == draining})
	}
	for _, self := range p.order {
		p.hosts[self].SetView(p.now, nodes)
	}
}

// step lets 50 ms pass, and all that is sent arrive.
func (p *post) step() {
	p.now += 50
	for _, self := range p.order {
		p.hosts[self].Tick(p.now)
	}
	for frames := 0; len(p.queue) > 0; frames++ {
		if frames == 1000 {
			p.t.Fatal("two hosts send each other frames for ever")
		}
		next := p.queue[0]
		p.queue = p.queue[1:]
		if p.watch == nil || !p.watch(next) {
			p.receive(next)
		}
	}
}

func (p *post) receive(l letter) {
	if err := p.hosts[l.to].Receive(p.now, l.from, l.frame); err != nil {
		p.t.Logf("%d refuses a frame of %d: %v", l.to, l.from, err)
	}
}

// until lets time pass until the leader knows these voters, and no other copies.
func (p *post) until(leader uint64, voters ...uint64) {
	p.t.Helper()
	for range 600 {
		p.step()
		status := p.hosts[leader].Status(0)
		if status.Leads && !status.Changing && slices.Equal(status.Voters, voters) && len(status.Learners) == 0 {
			return
		}
	}
	p.t.Fatalf("after 30 s the voters are %v, want %v", p.hosts[leader].Status(0).Voters, voters)
}

// publish wants a message acknowledged.
func (p *post) publish(at uint64, id string) {
	p.t.Helper()
	var got []host.Reply
	publish := channel.Publish{Channel: channel.ID{App: "app", Name: "room"}, ID: id, Event: "e", Retention: channel.DefaultRetention}
	p.hosts[at].Propose(p.now, 0, publish, p.now+2000, func(reply host.Reply) { got = append(got, reply) })
	for range 20 {
		p.step()
	}
	if len(got) != 1 || got[0].Err != nil {
		p.t.Fatalf("message %s: %+v, want one acknowledgement", id, got)
	}
}

// TestAddedAgain gives a node a copy again that it had before, while something of the earlier one is late: the news that it was removed,
// or what it answered. That arrives before each of the frames that the node exchanges with others from then on. Its leader must
// not count on a copy that holds nothing, or it would acknowledge with one copy less than it says.
func TestAddedAgain(t *testing.T) {
	for what, isLate := range map[string]func(letter) bool{
		"notice":             func(l letter) bool { return l.to == 4 && host.IsRoutes(l.frame) },
		"answers":            func(l letter) bool { return l.from == 4 && host.IsRaft(l.frame) },
		"notice and answers": func(l letter) bool { return l.to == 4 && host.IsRoutes(l.frame) || l.from == 4 && host.IsRaft(l.frame) },
	} {
		t.Run(what, func(t *testing.T) {
			for moment := range 40 {
				addAgain(newPost(t), isLate, moment)
			}
		})
	}
}

// addAgain adds the fourth node's copy, removes it and adds it again. What is late of the time of the removal arrives after so many frames.
func addAgain(p *post, isLate func(letter) bool, moment int) {
	p.view(2)
	p.until(1, 1, 3, 4)
	p.publish(1, "first")
	var late []letter
	p.watch = func(l letter) (hold bool) {
		if hold = isLate(l); hold {
			late = append(late, l)
		}
		return hold
	}
	p.publish(1, "second")
	p.view(4)
	p.until(1, 1, 2, 3)
	if len(late) == 0 {
		p.t.Fatal("nothing is late")
	}
	frames := 0
	p.watch = func(l letter) bool {
		if frames == moment {
			for _, one := range late {
				p.receive(one)
			}
			late = nil
		}
		if l.to == 4 || l.from == 4 {
			frames++
		}
		return false
	}
	p.view(2)
	p.until(1, 1, 3, 4)
	for late != nil {
		p.step()
	}
	p.publish(1, "last")
	want, got := p.hosts[1].Status(0), p.hosts[4].Status(0)
	if !got.Copy || got.Applied != want.Applied || got.Hash != want.Hash {
		p.t.Fatalf("what was late after %d frames: the leader has applied %d, the voter that is added again is %+v", moment, want.Applied, got)
	}
}
