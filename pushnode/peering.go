package pushnode

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"halley/pushnode/cluster"
	"halley/pushnode/cluster/link"
	"halley/pushnode/cluster/trust"
	"halley/pushnode/host"
)

// Peering is what a node of several is given beside its Config.
type Peering struct {
	Members  *cluster.Cluster // runs, and knows its cluster
	Listener net.Listener     // for links
	Identity *trust.Identity  // nil: plain TCP, on loopback addresses alone
	Label    string           // of the deployment
	Founder  bool             // nobody else has copies yet
	// StrictTwo has the survivor of a cluster of two wait for proof that the other is dead.
	StrictTwo bool

	// Dial opens a connection to another node's Listener; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// peers is a node's part in a cluster of several: the view and the links that the host works with.
type peers struct {
	node    *Node
	members *cluster.Cluster
	mesh    *link.Mesh

	yield yield

	clockWrong bool // owned by follow
}

const (
	// dataBytes bounds what waits for one peer on its data connection: what raft has in flight, and some large answers.
	dataBytes = 64 << 20
	// bulkBytes is the same of its bulk connection: where roomBytes or less wait, parts of states and one answer of any size have room.
	bulkBytes = 32 << 20
)

func newPeers(n *Node, config Config) (*peers, error) {
	p := &peers{node: n, members: config.Peering.Members, yield: yield{due: make(chan struct{})}}
	mesh, err := link.New(link.Config{
		Instance: config.Instance, Cluster: config.Cluster, Label: config.Peering.Label, Identity: config.Peering.Identity,
		Listener: config.Peering.Listener, Dial: config.Peering.Dial, Up: p.up, Down: p.down, Receive: p.receive,
		DataBytes: dataBytes, BulkBytes: bulkBytes,
		Logger: config.Logger, Registerer: config.Registerer,
	})
	if err != nil {
		return nil, err
	}
	p.mesh = mesh
	return p, nil
}

// Send puts a frame in line for a node.
func (p *peers) Send(to uint64, class host.Class, frame []byte) bool {
	return p.mesh.Send(to, classes[class], frame)
}

// Queued is how many bytes wait for a node.
func (p *peers) Queued(to uint64, class host.Class) int { return p.mesh.Queued(to, classes[class]) }

var classes = [...]link.Class{host.Control: link.Control, host.Data: link.Data, host.Bulk: link.Bulk}

func (p *peers) up(instance uint64) { p.node.slots.host.PeerUp(p.node.slots.clock.now(), instance) }

func (p *peers) down(instance uint64, reason link.Reason) {
	slots, now := p.node.slots.host, p.node.slots.clock.now()
	slots.PeerDown(now, instance, gone(reason))
	switch reason {
	case link.Refused:
		slots.Refused(now, instance)
	case link.Replaced, link.Left:
		slots.Buried(now, instance)
	}
}

// gone reports whether a reason is evidence against the peer's process, and not only against one link to it.
func gone(reason link.Reason) bool {
	switch reason {
	case link.Refused, link.Silent, link.Unreachable, link.Replaced, link.Left:
		return true
	default:
		return false
	}
}

// receive hands a frame to the host, which keeps it: the link's own memory is only lent.
func (p *peers) receive(from uint64, _ link.Class, frame []byte) {
	if err := p.node.slots.host.Receive(p.node.slots.clock.now(), from, slices.Clone(frame)); err != nil {
		p.node.logger.Debug("frame not taken", "peer", from, "err", err)
	}
}

const (
	// lookInterval is how often the view is looked at where nothing tells that it changed.
	lookInterval = time.Second
	// joinPatience is how long a node waits for its copies before it serves clients without them.
	joinPatience = 5 * time.Minute
)

// run keeps the links up and the host's view true until ctx ends.
func (p *peers) run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { p.mesh.Run(ctx) })
	p.follow(ctx)
	work.Wait()
}

func (p *peers) follow(ctx context.Context) {
	ticks := time.NewTicker(lookInterval)
	defer ticks.Stop()
	begun := time.Now()
	var told []host.Node
	buried := make(map[uint64]bool)
	for {
		told = p.tell(told)
		p.bury(buried)
		p.checkClock()
		p.judge(begun)
		p.yieldIfOutnumbered(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-p.members.Changed():
		case <-ticks.C:
		}
	}
}

// fellows is the members of this node's cluster, itself among them. Who has not found its cluster yet, or is of another, is none.
func (p *peers) fellows() []cluster.Member {
	self := p.members.Self()
	return slices.DeleteFunc(slices.Clone(p.members.View()), func(m cluster.Member) bool { return m.Cluster != self.Cluster })
}

// tell gives the view to host and links, if it is another than was told before. Links are wanted to the displaced as well: gossip may
// have dropped one before another came to its address, and only a dial there proves its death, for which a slot may wait.
func (p *peers) tell(told []host.Node) []host.Node {
	var nodes []host.Node
	var wanted []link.Peer
	for _, member := range p.fellows() {
		nodes = append(nodes, host.Node{
			Instance: member.Instance, Name: member.Name, Zone: member.Zone, Started: member.Started.UnixMilli(),
			Draining: member.State >= cluster.Draining, Leaving: member.State == cluster.Leaving,
		})
		wanted = append(wanted, link.Peer{Instance: member.Instance, Address: member.Links.String()})
	}
	for _, member := range p.members.Displaced() {
		wanted = append(wanted, link.Peer{Instance: member.Instance, Address: member.Links.String()})
	}
	if !slices.Equal(nodes, told) {
		p.node.slots.host.SetView(p.node.slots.clock.now(), nodes)
		p.mesh.SetPeers(wanted)
	}
	return nodes
}

// bury tells the host who has left by their own word.
func (p *peers) bury(buried map[uint64]bool) {
	for instance := range p.members.Departed() {
		if !buried[instance] {
			buried[instance] = true
			p.node.slots.host.Buried(p.node.slots.clock.now(), instance)
		}
	}
}

// maxClockOffset is how far a node's clock may be off before it should not lead: leaders stamp what is published.
const maxClockOffset = 5 * time.Second

// checkClock keeps a node from leading whose clock most others contradict. No order and no safety rests on clocks; people read them.
func (p *peers) checkClock() {
	known, far := 0, 0
	for _, member := range p.members.View() {
		offset, _, measured := p.mesh.Offset(member.Instance)
		if measured {
			known++
		}
		if measured && offset.Abs() > maxClockOffset {
			far++
		}
	}
	wrong := known > 0 && 2*far > known
	if wrong {
		p.node.slots.host.BeShy(p.node.slots.clock.now())
	}
	switch {
	case wrong && !p.clockWrong:
		p.node.logger.Error("this node's clock differs from most others': set it; until then it leads nothing that others can lead",
			"seconds", maxClockOffset.Seconds())
	case !wrong && p.clockWrong:
		p.node.logger.Info("this node's clock agrees with the others' again")
	}
	p.clockWrong = wrong
}

// alone reports whether no other node could take anything over.
func (p *peers) alone() bool {
	for _, member := range p.fellows() {
		if member.Instance != p.node.instance && member.State <= cluster.Ready {
			return false
		}
	}
	return true
}

// judge says that this node is ready when it holds what it should.
func (p *peers) judge(begun time.Time) {
	if p.node.joined.Load() {
		return
	}
	level := p.node.slots.host.Level()
	if !level && time.Since(begun) < joinPatience {
		return
	}
	if !level {
		p.node.logger.Error("copies are not level after all this time, serving clients without them", "seconds", time.Since(begun).Seconds())
	}
	p.node.joined.Store(true)
	p.members.SetState(cluster.Ready)
}
