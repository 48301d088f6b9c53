package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Cluster is this node's part in knowing who is in. New makes it, Run keeps it up, and Leave says farewell.
//
// No method waits for the network but Run, Await and Leave. Locks: mu is never held over a call of memberlist, which calls back under
// locks of its own.
type Cluster struct {
	// Immutable after New.
	config  Config
	seeds   []seed
	log     *slog.Logger
	metrics *metrics

	seenQueue *sightings
	changed   chan struct{} // a token: the view, Departed, Dead or Conflict changed
	announce  chan struct{} // a token: what this node says of itself changed
	decided   chan struct{} // closed when the node has a cluster
	stopped   chan struct{} // closed when Run has ended

	// Copy on write, for readers on hot paths.
	view   atomic.Pointer[[]Member]
	gossip atomic.Pointer[gossip] // nil before Run has opened its sockets

	mu      sync.Mutex
	running bool // guarded by mu, as all below: Run was called
	self    Member
	roster  *roster
	search  *search
	found   []resolution // of the seeds, in their order; nil before the first look-up
	back    bool         // since the last try of addresses, one led back here
	founder bool
	stirred time.Time // when the view last changed
}

// Errors of a Cluster's methods.
var (
	ErrNotRunning = errors.New("cluster: not running")
	ErrStopped    = errors.New("cluster: stopped before the node had a cluster")
)

// New makes a Cluster that is not yet part of anything. It opens nothing.
func New(c Config) (*Cluster, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	n := &Cluster{
		config:    c,
		log:       c.Logger,
		seenQueue: newSightings(),
		changed:   make(chan struct{}, 1),
		announce:  make(chan struct{}, 1),
		decided:   make(chan struct{}),
		stopped:   make(chan struct{}),
		self: Member{Instance: c.Instance, Name: c.Name, Gossip: c.Advertise, Links: c.Links, State: Joining, Zone: c.Zone,
			Protocol: c.Protocol, Started: time.UnixMilli(time.Now().UnixMilli())},
		roster: newRoster(c.Instance),
		search: newSearch(),
	}
	for _, text := range c.Seeds {
		s, err := parseSeed(text)
		if err != nil {
			return nil, err
		}
		n.seeds = append(n.seeds, s)
	}
	n.metrics = newMetrics(c.Registerer,
		func() float64 { return float64(len(n.View())) },
		func() float64 { return float64(len(n.Conflict())) },
		n.health)
	n.view.Store(&[]Member{n.self})
	return n, nil
}

// Run opens the gossip's sockets, finds peers and keeps the view until ctx ends. It may be called once. An error is one of opening.
func (n *Cluster) Run(ctx context.Context) error {
	n.mu.Lock()
	again := n.running
	n.running = true
	n.mu.Unlock()
	if again {
		return errors.New("cluster: run twice")
	}
	defer close(n.stopped)
	g, err := n.open()
	if err != nil {
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { n.follow(ctx) })
	loops.Go(func() { n.tell(ctx, g) })
	loops.Go(func() { n.seek(ctx, g) })
	loops.Go(func() { n.settle(ctx) })
	<-ctx.Done()
	err = g.close()
	loops.Wait()
	return err
}

// open binds the sockets and starts gossip. From then on this node's addresses are known.
func (n *Cluster) open() (*gossip, error) {
	logs := newFaultLog(n.log, n.metrics)
	carrier, err := openCarrier(n.config, logs)
	if err != nil {
		return nil, err
	}
	address := carrier.address()
	if !n.config.admits(address.Addr()) {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrNoSecret, address), carrier.Shutdown())
	}
	n.mu.Lock()
	n.self.Gossip = address
	if !n.self.Links.IsValid() {
		n.self.Links = netip.AddrPortFrom(address.Addr(), address.Port()+1)
	}
	for own := range ownAddresses(n.config, address) {
		n.search.own[own] = true
	}
	n.publishLocked()
	n.mu.Unlock()
	g, err := startGossip(n.config, carrier, watcher{n}, logs)
	if err != nil {
		return nil, err
	}
	n.gossip.Store(g)
	return g, nil
}

// View returns the living members by instance, this node among them until it leaves. It is shared: do not modify it.
func (n *Cluster) View() []Member { return *n.view.Load() }

// Changed gives a token after each change of what View, Departed, Dead or Conflict return. Changes that nobody waited for are one token.
func (n *Cluster) Changed() <-chan struct{} { return n.changed }

// Self returns what this node says of itself. Its addresses are known once Run has opened its sockets.
func (n *Cluster) Self() Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.self
}

// Departed returns the instances that left by their own word in the last 24 h, with when. That is proof of their death: none of them
// votes again. At most 1024 instances that are gone are remembered.
func (n *Cluster) Departed() map[uint64]time.Time { return n.times(departed) }

// Dead returns the instances that gossip declared dead in the last 24 h and that did not come back, with when. That is evidence, no
// proof: they may live behind a broken network.
func (n *Cluster) Dead() map[uint64]time.Time { return n.times(dead) }

// Displaced returns, by instance, those of Dead where another member says that its links listen now. Whoever answers there settles it: if
// that is the other, they are dead for certain.
func (n *Cluster) Displaced() []Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.roster.displaced()
}

func (n *Cluster) times(s standing) map[uint64]time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.roster.times(s)
}

// Conflict returns the clusters in view that are not this node's own, sorted: two that were founded apart have met. The nodes of all but
// the one that Prevailing names are to go over to that one.
func (n *Cluster) Conflict() []uint64 { return strangers(n.View(), n.Self().Cluster) }

// Prevailing returns the cluster that most members in view belong to which are to stay, of equals the lowest; 0 if none belongs to one.
func (n *Cluster) Prevailing() uint64 { return prevailing(staying(n.View())) }

// SetState tells the others how this node is: Joining, Ready, Draining or Leaving. No state goes back to an earlier one: a node that is
// told to end while it joins stays Draining when its copies come level. After Leave it does nothing.
func (n *Cluster) SetState(s State) {
	if s.valid() && s != Left {
		n.change(func(m *Member) { m.State = max(m.State, s) })
	}
}

// change changes what this node says of itself.
func (n *Cluster) change(set func(*Member)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.self.State == Left {
		return
	}
	set(&n.self)
	n.publishLocked()
	notify(n.announce)
}

// publishLocked makes a new snapshot of the view.
func (n *Cluster) publishLocked() {
	view := n.roster.view(n.self)
	if !slices.Equal(view, *n.view.Load()) {
		n.view.Store(&view)
		n.stirred = time.Now()
		notify(n.changed)
	}
}

// Await returns the cluster that this node belongs to, once it does, and whether the node founded it. It fails when ctx ends or Run has
// ended before.
func (n *Cluster) Await(ctx context.Context) (cluster uint64, founder bool, err error) {
	select {
	case <-n.decided:
	default:
		select {
		case <-n.decided:
		case <-n.stopped:
			return 0, false, ErrStopped
		case <-ctx.Done():
			return 0, false, fmt.Errorf("cluster: no peer has been found that has a cluster: %w", context.Cause(ctx))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.self.Cluster, n.founder, nil
}

func (n *Cluster) health() float64 {
	if g := n.gossip.Load(); g != nil {
		return float64(g.health())
	}
	return 0
}
