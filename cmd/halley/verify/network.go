package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// narrowBytes is what a narrow network carries: 1 Mbit/s, in bytes a second.
const narrowBytes = 125_000

// newNetwork makes the network that the settings ask for.
func newNetwork(s Settings) (network, error) {
	if s.Namespaces {
		return newNamespaces(s)
	}
	return newLoopback(s.Nodes), nil
}

// loopback has all nodes on this machine's loopback, each behind a relay. What nodes say to each other passes the relay of the one
// that is spoken to, which finds out who speaks and holds back what is cut.
type loopback struct {
	relays []atomic.Pointer[relay] // by node; nil before it has its site
	pids   []atomic.Int64          // of the nodes' processes
	slow   []atomic.Bool           // by node
	strait []atomic.Bool           // by node: little gets through at a time
	widths []*rate.Limiter         // by node: what gets through then, in bytes
	severe [][]atomic.Bool         // by sender, by receiver: nothing gets through
}

func newLoopback(nodes int) *loopback {
	l := &loopback{
		relays: make([]atomic.Pointer[relay], nodes), pids: make([]atomic.Int64, nodes), slow: make([]atomic.Bool, nodes), severe: make([][]atomic.Bool, nodes),
		strait: make([]atomic.Bool, nodes), widths: make([]*rate.Limiter, nodes),
	}
	for i := range l.severe {
		l.severe[i] = make([]atomic.Bool, nodes)
		l.widths[i] = rate.NewLimiter(narrowBytes, chunkBytes)
	}
	return l
}

func (l *loopback) site(index int) (site, error) {
	public, err := freePorts(1)
	if err != nil {
		return site{}, err
	}
	gossip, err := freePorts(2)
	if err != nil {
		return site{}, err
	}
	r, err := newRelay(l, index, gossip)
	if err != nil {
		return site{}, err
	}
	l.relays[index].Store(r)
	return site{public: loopbackAddress(public), gossip: loopbackAddress(gossip), advertise: loopbackAddress(r.port)}, nil
}

func (l *loopback) command(_ int, binary string, arguments ...string) *exec.Cmd {
	return exec.Command(binary, arguments...)
}

func (l *loopback) started(index, pid int) { l.pids[index].Store(int64(pid)) }

func (l *loopback) cut(from, to int) error {
	l.severe[from][to].Store(true)
	return nil
}

func (l *loopback) impair(index int) error {
	l.slow[index].Store(true)
	return nil
}

func (l *loopback) narrow(index int) error {
	l.strait[index].Store(true)
	return nil
}

func (l *loopback) heal() error {
	for i := range l.severe {
		l.slow[i].Store(false)
		l.strait[i].Store(false)
		for j := range l.severe[i] {
			l.severe[i][j].Store(false)
		}
	}
	return nil
}

func (l *loopback) close() error {
	var ending sync.WaitGroup
	errs := make([]error, len(l.relays))
	for i := range l.relays {
		if r := l.relays[i].Load(); r != nil {
			ending.Go(func() { errs[i] = r.close() })
		}
	}
	ending.Wait()
	return errors.Join(errs...)
}

// isCut reports whether nothing gets from one node to another. Who is not known, -1, is not cut off.
func (l *loopback) isCut(from, to int) bool { return from >= 0 && to >= 0 && l.severe[from][to].Load() }

// isSlow reports whether one of two nodes is impaired.
func (l *loopback) isSlow(a, b int) bool {
	return a >= 0 && l.slow[a].Load() || b >= 0 && l.slow[b].Load()
}

// squeeze waits until so many bytes have got through to or from the nodes whose network is narrow, and reports false when ctx ends.
func (l *loopback) squeeze(ctx context.Context, bytes int, ends ...int) bool {
	for _, end := range ends {
		if end >= 0 && l.strait[end].Load() && l.widths[end].WaitN(ctx, bytes) != nil {
			return false
		}
	}
	return true
}

func loopbackAddress(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Ports that no system gives to clients by itself: those that a client has left stay taken for a minute, and there may be thousands.
const (
	firstPort = 10_000
	lastPort  = 32_000
)

// freePorts finds so many ports in a row that nobody listens on now. They are not reserved: a node that is started again needs the
// same ones.
func freePorts(count int) (first int, err error) {
	for range 100 {
		first = firstPort + rand.IntN(lastPort-firstPort-count)
		if areFree(first, count) {
			return first, nil
		}
	}
	return 0, errors.New("there are no free ports in a row")
}

func areFree(first, count int) bool {
	for port := first; port < first+count; port++ {
		probe, err := net.Listen("tcp", loopbackAddress(port))
		if err != nil || probe.Close() != nil {
			return false
		}
	}
	return true
}
