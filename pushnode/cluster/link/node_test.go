package link_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"halley/pushnode/cluster/link"
	"halley/pushnode/cluster/trust"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// event is a call of a callback.
type event struct {
	name  string // up, down, frame
	peer  uint64
	why   link.Reason
	class link.Class
	frame string
}

// testNode is a mesh and all that it has told.
type testNode struct {
	*link.Mesh
	tb      testing.TB
	address string

	mu     sync.Mutex
	events []event
	news   chan struct{} // capacity 1
	taken  int
}

// start makes and runs a mesh on the loopback interface, or where change says.
func start(tb testing.TB, instance uint64, change ...func(*link.Config)) *testNode {
	tb.Helper()
	n := &testNode{tb: tb, news: make(chan struct{}, 1)}
	config := link.Config{
		Instance: instance, Cluster: 7, Label: "test",
		Up:   func(peer uint64) { n.note(event{name: "up", peer: peer}) },
		Down: func(peer uint64, why link.Reason) { n.note(event{name: "down", peer: peer, why: why}) },
		Receive: func(peer uint64, class link.Class, frame []byte) {
			n.note(event{name: "frame", peer: peer, class: class, frame: string(frame)})
		},
	}
	for _, f := range change {
		f(&config)
	}
	if config.Listener == nil {
		config.Listener = listen(tb, "127.0.0.1:0")
	}
	n.address = config.Listener.Addr().String()
	mesh, err := link.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	n.Mesh = mesh
	done := make(chan struct{})
	go func() {
		defer close(done)
		mesh.Run(context.Background())
	}()
	tb.Cleanup(func() {
		mesh.Close()
		<-done
	})
	return n
}

func listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// with makes the identity of a node out of a secret.
func with(tb testing.TB, secret string) func(*link.Config) {
	return func(c *link.Config) {
		tb.Helper()
		secrets, err := trust.Parse([]byte(secret))
		if err != nil {
			tb.Fatal(err)
		}
		if c.Identity, err = secrets.Identity(c.Instance); err != nil {
			tb.Fatal(err)
		}
	}
}

const (
	ours   = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
	theirs = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func (n *testNode) note(e event) {
	n.mu.Lock()
	n.events = append(n.events, e)
	n.mu.Unlock()
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// next returns the next event that was not taken.
func (n *testNode) next() event {
	n.tb.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		n.mu.Lock()
		if n.taken < len(n.events) {
			n.taken++
			e := n.events[n.taken-1]
			n.mu.Unlock()
			return e
		}
		n.mu.Unlock()
		select {
		case <-n.news:
		case <-limit.C:
			n.tb.Fatalf("nothing more came after %v", n.all())
		}
	}
}

// wants takes the next event and compares it.
func (n *testNode) wants(want event) {
	n.tb.Helper()
	if got := n.next(); got != want {
		n.tb.Fatalf("got %+v, want %+v of %v", got, want, n.all())
	}
}

// until takes events until one is as wanted.
func (n *testNode) until(want event) {
	n.tb.Helper()
	for n.next() != want {
	}
}

func (n *testNode) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	said := fmt.Sprint(n.events)
	return said[:min(len(said), 2000)]
}

func (n *testNode) as(instance uint64) link.Peer {
	return link.Peer{Instance: instance, Address: n.address}
}

func up(peer uint64) event { return event{name: "up", peer: peer} }

func down(peer uint64, why link.Reason) event { return event{name: "down", peer: peer, why: why} }

func frame(peer uint64, class link.Class, text string) event {
	return event{name: "frame", peer: peer, class: class, frame: text}
}

// join makes two nodes know each other and waits until both say so.
func join(a *testNode, instanceA uint64, b *testNode, instanceB uint64) {
	a.tb.Helper()
	a.SetPeers([]link.Peer{b.as(instanceB)})
	b.SetPeers([]link.Peer{a.as(instanceA)})
	a.wants(up(instanceB))
	b.wants(up(instanceA))
}
