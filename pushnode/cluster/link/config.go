package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/cluster/trust"
)

// Config says what a mesh is. The callbacks are called in order for each peer: Up, then Receive, then Down when no Receive of that
// link runs any more. They may call Send and SetPeers; what they wait for keeps their peer waiting.
type Config struct {
	Instance uint64          // of this process; random at each start, never 0
	Cluster  uint64          // nodes of other clusters are refused
	Label    string          // of the deployment; nodes of others are refused
	Identity *trust.Identity // of Instance; nil: plain TCP, between loopback addresses alone
	Listener net.Listener    // for links; the mesh closes it

	// Dial opens a connection; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	// Up says that frames can travel both ways.
	Up func(instance uint64)
	// Down says why they cannot. It comes once when a link breaks, and again, or without a link before, when an attempt to reach
	// the peer shows another reason than was told last.
	Down func(instance uint64, reason Reason)
	// Receive hands over a frame, valid during the call. Each class of each peer has its own goroutine.
	Receive func(from uint64, class Class, frame []byte)

	// Bounds of what waits for one peer, in bytes; 0: the default. Above it the link is given up.
	ControlBytes, DataBytes, BulkBytes int
	BulkRate                           int // bytes a second, of all peers together; 0: DefaultBulkRate

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Defaults of Config.
const (
	DefaultControlBytes = 1 << 20
	DefaultDataBytes    = 8 << 20 // as raft has in flight to one peer (note, 3.5)
	DefaultBulkBytes    = 8 << 20
	DefaultBulkRate     = 64 << 20 // leaves a gigabit network half to the rest (note, 3.9)
)

func (c *Config) setDefaults() {
	for _, bound := range []struct {
		value    *int
		standard int
	}{
		{&c.ControlBytes, DefaultControlBytes}, {&c.DataBytes, DefaultDataBytes}, {&c.BulkBytes, DefaultBulkBytes},
		{&c.BulkRate, DefaultBulkRate},
	} {
		if *bound.value == 0 {
			*bound.value = bound.standard
		}
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
}

func (c *Config) validate() error {
	switch {
	case c.Instance == 0:
		return errors.New("link: instance 0 is nobody")
	case c.Listener == nil:
		return errors.New("link: no listener")
	case c.Up == nil || c.Down == nil || c.Receive == nil:
		return errors.New("link: a callback is missing")
	case c.Identity != nil && c.Identity.Instance() != c.Instance:
		return fmt.Errorf("link: the identity is of instance %016x, not of %016x", c.Identity.Instance(), c.Instance)
	case c.Identity == nil && !loopback(c.Listener.Addr()):
		return fmt.Errorf("link: without a cluster secret nodes listen on loopback addresses alone, not on %v", c.Listener.Addr())
	case min(c.ControlBytes, c.DataBytes, c.BulkBytes, c.BulkRate) < 0:
		return errors.New("link: a bound is negative")
	}
	return nil
}

// limit returns the bound of what waits for one peer in a class, in bytes.
func (c *Config) limit(class Class) int {
	return [classes]int{c.ControlBytes, c.DataBytes, c.BulkBytes}[class]
}

// loopback reports whether an address can be reached from this machine alone. What is not TCP is a test's.
func loopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
