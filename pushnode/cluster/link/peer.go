package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Waits between attempts to reach a peer. A link that has held for settled is followed by an attempt at once: whether that one is
// refused is the fastest evidence there is.
const (
	minPause = 50 * time.Millisecond
	maxPause = time.Second
	settled  = time.Second
)

// errDropped is why the context of a peer ends that is no longer wanted.
var errDropped = errors.New("no longer wanted")

// peer is one wanted instance. Of two nodes the one with the greater instance dials their links; the other one dials only to see
// who answers, for evidence.
type peer struct {
	// immutable after newPeer
	mesh        *Mesh
	instance    uint64
	predecessor *peer // the same instance, wanted before; it has its last word first
	ctx         context.Context
	cancel      context.CancelCauseFunc
	done        chan struct{} // closed when run returns; a peer that is dropped before it is started stays open
	nudged      chan struct{} // capacity 1: try now
	offers      chan *link    // capacity 1: a link that the peer has dialled, whole

	// owned by run
	told     Reason // by Down, 0 while up or unknown
	attempts int    // since the last link that held

	mu      sync.Mutex
	address string
	current *link
	offer   *offer
	number  uint64 // of the newest link that the peer has dialled
}

func newPeer(m *Mesh, instance uint64, address string, predecessor *peer) *peer {
	p := &peer{
		mesh: m, instance: instance, predecessor: predecessor, address: address,
		done: make(chan struct{}), nudged: make(chan struct{}, 1), offers: make(chan *link, 1),
	}
	p.ctx, p.cancel = context.WithCancelCause(m.ctx)
	return p
}

// run holds a link to the peer for as long as it is wanted.
func (p *peer) run() {
	defer close(p.done)
	defer p.clear()
	if p.predecessor != nil {
		<-p.predecessor.done
		p.predecessor = nil
	}
	for p.ctx.Err() == nil {
		l, err := p.reach()
		if l != nil {
			p.live(l)
		} else if p.ctx.Err() == nil {
			p.attempts++
			p.tell(evidence(err), err)
		}
		if p.told == Replaced {
			<-p.ctx.Done() // an instance that has been replaced does not come back
			return
		}
		p.rest()
	}
}

// reach returns a new link. An error says why there is none, nil that the peer lives and has not dialled yet.
func (p *peer) reach() (*link, error) {
	if p.dials() {
		return p.dial()
	}
	select {
	case l := <-p.offers:
		return l, nil
	default:
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	result := make(chan error, 1)
	p.mesh.waiting.Go(func() { result <- p.probe(ctx) })
	select {
	case l := <-p.offers:
		return l, nil
	case err := <-result:
		return nil, err
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

// dials reports whether this node is the one to dial.
func (p *peer) dials() bool { return p.mesh.config.Instance > p.instance }

// live runs a link from Up to Down.
func (p *peer) live(l *link) {
	if !p.install(l) {
		l.close()
		return
	}
	m := p.mesh
	began := m.now()
	m.publish(l)
	p.told = 0
	m.config.Logger.Info("link is up", "node", node(p.instance))
	m.config.Up(p.instance)
	reason := l.run(p.ctx)
	m.retract(l)
	p.mu.Lock()
	p.current = nil
	p.mu.Unlock()
	p.attempts++
	if m.now()-began >= settled && reason != Suspended {
		p.attempts = 0
	}
	p.tell(reason, nil)
}

// install makes a link the current one, unless the peer has begun a newer one meanwhile.
func (p *peer) install(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.number < p.number {
		return false
	}
	p.current = l
	return true
}

// tell calls Down unless it told the same before. 0 is the absence of a reason and no news.
func (p *peer) tell(reason Reason, cause error) {
	if p.told == reason {
		return
	}
	p.told = reason
	if reason == 0 {
		return
	}
	m := p.mesh
	m.metrics.downs[reason].Inc()
	attributes := []any{"node", node(p.instance), "reason", reason.String()}
	if cause != nil {
		attributes = append(attributes, "err", cause)
	}
	level := slog.LevelWarn
	if reason == Left || reason == Dropped {
		level = slog.LevelInfo // somebody wanted it
	}
	m.config.Logger.Log(p.ctx, level, "link is down", attributes...)
	m.config.Down(p.instance, reason)
}

// rest waits until it is time to try again.
func (p *peer) rest() {
	if p.attempts == 0 {
		return
	}
	pause := min(minPause<<min(p.attempts-1, 10), maxPause)
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.nudged:
	case <-p.ctx.Done():
	}
}

// nudge makes the peer be tried now.
func (p *peer) nudge() {
	select {
	case p.nudged <- struct{}{}:
	default:
	}
}

// drop ends the peer. Its link goes down as Dropped.
func (p *peer) drop() { p.cancel(errDropped) }

// move gives the peer another address, for the next attempt.
func (p *peer) move(address string) {
	p.mu.Lock()
	moved := p.address != address
	p.address = address
	p.mu.Unlock()
	if moved {
		p.nudge()
	}
}

// clear closes what the peer has dialled and nobody will take.
func (p *peer) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropOfferLocked()
	p.number = ^uint64(0) // what comes now is stale
	select {
	case l := <-p.offers:
		l.close()
	default:
	}
}

// ending returns why links of the peer end when its context does.
func (p *peer) ending() Reason {
	if errors.Is(context.Cause(p.ctx), errDropped) {
		return Dropped
	}
	return Left
}

// node writes an instance as logs have it.
func node(instance uint64) string { return fmt.Sprintf("%016x", instance) }

// closeAll closes those connections that are there.
func closeAll(conns [classes]net.Conn) {
	for _, conn := range conns {
		if conn != nil {
			conn.Close()
		}
	}
}
