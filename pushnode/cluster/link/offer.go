package link

import (
	"net"
	"time"
)

// offerTime is how long the connections of one link may take to come in.
const offerTime = 5 * time.Second

// offer is a link that a peer is dialling, as far as it has come.
type offer struct {
	number uint64
	conns  [classes]net.Conn
	timer  *time.Timer // gives it up
}

// admit judges a connection that the peer has dialled. A control connection begins a new link and ends the one before.
func (p *peer) admit(h hello) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.class != Control {
		if p.offer == nil || p.offer.number != h.number || p.offer.conns[h.class] != nil {
			return stale
		}
		return welcomed
	}
	if h.number <= p.number {
		return stale
	}
	p.dropOfferLocked()
	p.number = h.number
	started := &offer{number: h.number}
	started.timer = time.AfterFunc(offerTime, func() { p.expire(started) })
	p.offer = started
	if p.current != nil {
		p.current.end(Reset)
	}
	return welcomed
}

// add puts an admitted connection, whose welcome is written, to the others of its link, and reports whether they still are awaited.
// The last one makes the link whole.
func (p *peer) add(h hello, conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.offer
	if o == nil || o.number != h.number || o.conns[h.class] != nil {
		return false
	}
	o.conns[h.class] = conn
	for _, conn := range o.conns {
		if conn == nil {
			return true
		}
	}
	o.timer.Stop()
	p.offer = nil
	select {
	case older := <-p.offers:
		older.close()
	default:
	}
	p.offers <- newLink(p, o.number, o.conns) // there is room: only add puts, and holds the lock
	p.nudge()
	return true
}

func (p *peer) expire(o *offer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offer == o {
		p.dropOfferLocked()
	}
}

func (p *peer) dropOfferLocked() {
	if p.offer == nil {
		return
	}
	p.offer.timer.Stop()
	closeAll(p.offer.conns)
	p.offer = nil
}
