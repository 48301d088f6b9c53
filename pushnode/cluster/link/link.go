package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// goodbye is how long a link that ends may take to say why.
const goodbye = 200 * time.Millisecond

// link is the connections to one peer, from the moment that all are there. They live and end together.
type link struct {
	peer    *peer
	number  uint64
	streams [classes]*stream
	clock   clock

	once   sync.Once
	ended  chan struct{}
	reason Reason // set before ended is closed
}

func newLink(p *peer, number uint64, conns [classes]net.Conn) *link {
	l := &link{peer: p, number: number, ended: make(chan struct{})}
	for class, conn := range conns {
		l.streams[class] = newStream(l, Class(class), conn)
	}
	return l
}

// run carries frames until the link ends or ctx does, and returns why. Nothing of the link runs after it.
func (l *link) run(ctx context.Context) Reason {
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	now := l.peer.mesh.now()
	var running sync.WaitGroup
	for _, s := range l.streams {
		s.begin(now)
		running.Go(s.read)
		running.Go(func() { s.write(writing) })
	}
	select {
	case <-l.ended:
	case <-ctx.Done():
		l.end(l.peer.ending())
	}
	l.explain()
	cancel()
	l.close()
	running.Wait()
	return l.reason
}

// end begins the end of a link. The first reason stands. It never blocks.
func (l *link) end(reason Reason) {
	l.once.Do(func() {
		l.reason = reason
		close(l.ended)
	})
}

// explain tells the peer a reason that it cannot see for itself, and lets it close first so that it reads this before an end.
func (l *link) explain() {
	if !l.reason.told() {
		return
	}
	control := l.streams[Control]
	control.out.put(byeKind, []byte{byte(l.reason)})
	limit := time.NewTimer(goodbye)
	defer limit.Stop()
	for _, done := range []chan struct{}{control.mute, control.deaf} {
		select {
		case <-done:
		case <-limit.C:
			return
		}
	}
}

// farewell returns the reason that a bye gives.
func farewell(payload []byte) Reason {
	if len(payload) == 1 && Reason(payload[0]).told() {
		return Reason(payload[0])
	}
	return Damaged
}

// close closes the connections.
func (l *link) close() {
	for _, s := range l.streams {
		s.conn.Close()
	}
}
