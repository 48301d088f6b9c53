package link

import (
	"context"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Mesh is the links of one node. All its methods are safe for concurrent use.
type Mesh struct {
	// immutable after New
	config  Config
	label   uint64
	began   time.Time // what m.now counts from
	ctx     context.Context
	stop    context.CancelFunc
	ended   chan struct{} // closed when Run has returned
	limiter *rate.Limiter // of bulk
	metrics *metrics
	porch   *porch
	grumble rate.Sometimes // log lines about hellos that were refused

	numbers atomic.Uint64 // of the last link that was dialled
	// live are the links that are up, copied on each change: Send reads it without a lock.
	live    atomic.Pointer[map[uint64]*link]
	waiting sync.WaitGroup

	mu      sync.Mutex
	running bool
	closed  bool
	peers   map[uint64]*peer
	retired map[uint64]*peer // dropped peers that may still have to tell Down
}

// Peer is a node that a link is wanted to.
type Peer struct {
	Instance uint64
	Address  string // host and port of its listener for links
}

// New makes a mesh without peers. It owns the listener from now on; Run must be called, or Close.
func New(config Config) (*Mesh, error) {
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	m := &Mesh{
		config:  config,
		label:   labelHash(config.Label),
		began:   time.Now(),
		ended:   make(chan struct{}),
		limiter: rate.NewLimiter(rate.Limit(config.BulkRate), chunkBytes),
		porch:   newPorch(),
		grumble: rate.Sometimes{Interval: time.Minute},
		peers:   make(map[uint64]*peer),
		retired: make(map[uint64]*peer),
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.live.Store(&map[uint64]*link{})
	m.metrics = newMetrics(config.Registerer, m.links, m.queuedBytes)
	return m, nil
}

// Run connects and accepts until ctx ends or Close is called. Then it tells the peers that this node has left, and returns when all
// links are down and all callbacks have returned. It is called once.
func (m *Mesh) Run(ctx context.Context) {
	defer close(m.ended)
	defer context.AfterFunc(ctx, m.stop)()
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.running = true
	for _, p := range m.peers {
		m.start(p)
	}
	m.waiting.Go(m.accept)
	m.waiting.Go(m.beat)
	m.mu.Unlock()

	<-m.ctx.Done()
	m.mu.Lock()
	m.closed = true // SetPeers starts nothing any more
	m.mu.Unlock()
	m.config.Listener.Close()
	m.porch.close()
	m.waiting.Wait()
}

// Close ends Run and waits for it. It must not be called from a callback.
func (m *Mesh) Close() {
	m.stop()
	m.mu.Lock()
	m.closed = true
	running := m.running
	m.mu.Unlock()
	if running {
		<-m.ended
		return
	}
	m.config.Listener.Close()
}

// SetPeers says to which nodes links are wanted, in place of those before. A peer that is no longer among them goes down as Dropped.
// This node itself among them is passed over.
func (m *Mesh) SetPeers(peers []Peer) {
	wanted := make(map[uint64]string, len(peers))
	for _, p := range peers {
		if p.Instance != m.config.Instance && p.Instance != 0 {
			wanted[p.Instance] = p.Address
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for instance, p := range m.peers {
		if _, ok := wanted[instance]; !ok {
			delete(m.peers, instance)
			if m.running {
				m.retired[instance] = p
				p.drop()
			}
		}
	}
	for instance, address := range wanted {
		if p, ok := m.peers[instance]; ok {
			p.move(address)
			continue
		}
		p := newPeer(m, instance, address, m.retired[instance])
		m.peers[instance] = p
		if m.running && !m.closed {
			m.start(p)
		}
	}
}

func (m *Mesh) start(p *peer) {
	m.waiting.Go(func() {
		p.run()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.retired[p.instance] == p {
			delete(m.retired, p.instance)
		}
	})
}

// peer returns a wanted peer, nil if it is none.
func (m *Mesh) peer(instance uint64) *peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[instance]
}

// Send queues a copy of a frame. It never blocks. False means that the frame is not queued: there is no link, or it has just been
// given up because the queue is full or the frame is longer than its class allows, and Down follows. True does not mean that the
// frame arrives; but nothing that was sent after it arrives before, and when it is lost Down follows.
func (m *Mesh) Send(to uint64, class Class, frame []byte) bool {
	l := (*m.live.Load())[to]
	if l == nil {
		return false
	}
	if len(frame) > class.MaxFrame() {
		m.config.Logger.Error("a frame for a peer is too long", "node", node(to), "class", class.String(), "bytes", len(frame))
		l.end(Suspended)
		return false
	}
	s := l.streams[class]
	if !s.out.put(payloadKind, frame) {
		l.end(Suspended)
		return false
	}
	s.counts.framesSent.Inc()
	return true
}

// Linked reports whether frames can travel to and from a peer.
func (m *Mesh) Linked(instance uint64) bool { return (*m.live.Load())[instance] != nil }

// Queued returns the bytes that wait for a peer in a class, 0 without a link. What is large and can wait is sent when it is small.
func (m *Mesh) Queued(to uint64, class Class) int {
	if l := (*m.live.Load())[to]; l != nil {
		return l.streams[class].out.queued()
	}
	return 0
}

// Offset returns by how much the wall clock of a peer is ahead of ours, and the round trip that it was measured with: half of that
// is the most by which it can be wrong. False: not measured yet, or no link.
func (m *Mesh) Offset(instance uint64) (offset, roundTrip time.Duration, ok bool) {
	if l := (*m.live.Load())[instance]; l != nil {
		return l.clock.best()
	}
	return 0, 0, false
}

// Addr returns the address of the listener.
func (m *Mesh) Addr() net.Addr { return m.config.Listener.Addr() }

// publish makes a link one that Send finds, retract takes it away.
func (m *Mesh) publish(l *link) {
	m.changeLive(func(live map[uint64]*link) { live[l.peer.instance] = l })
}

func (m *Mesh) retract(l *link) {
	m.changeLive(func(live map[uint64]*link) { delete(live, l.peer.instance) })
}

func (m *Mesh) changeLive(change func(map[uint64]*link)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	live := maps.Clone(*m.live.Load())
	change(live)
	m.live.Store(&live)
}

// links returns how many links are up.
func (m *Mesh) links() float64 { return float64(len(*m.live.Load())) }

// queuedBytes returns what waits in a class for all peers.
func (m *Mesh) queuedBytes(class Class) float64 {
	sum := 0
	for _, l := range *m.live.Load() {
		sum += l.streams[class].out.queued()
	}
	return float64(sum)
}

// now is the time since New by the monotonic clock.
func (m *Mesh) now() time.Duration { return time.Since(m.began) }
