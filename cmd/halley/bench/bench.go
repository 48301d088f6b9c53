// Package bench measures a push server from the outside: what a delivery, a publish, an idle connection and a connect cost, and how long
// they take.
//
// It checks for each subscriber that every message came once and in order: a fast server that loses messages is not fast. Its own cost is
// kept low, because on one machine the generator's time is taken from the server's: requests are written by hand, nothing is allocated for
// a message that is read, and on Linux one goroutine reads all subscribers. It knows the public API alone, and through Dialect other
// servers as well. Start reading at Run, then at fanout.go, which is the simplest run; crowd.go are the subscribers, lane.go the
// publishers, flow.go what joins the two.
package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Mode is what is measured.
type Mode string

// What can be measured.
const (
	Fanout  Mode = "fanout"  // one channel, many subscribers
	Publish Mode = "publish" // many channels, one subscriber each, or none
	Idle    Mode = "idle"    // connections that are open and hear nothing
	Connect Mode = "connect" // a storm of connections, each with a token
)

// Transport is how a subscriber receives.
type Transport string

// The transports that can be measured.
const (
	WebSocket Transport = "websocket"
	SSE       Transport = "sse"
	Pusher    Transport = "pusher" // a WebSocket in Pusher's protocol
)

// isSocket reports whether it begins with the handshake of a WebSocket.
func (t Transport) isSocket() bool { return t == WebSocket || t == Pusher }

// Options of a run. DefaultOptions has sensible ones.
type Options struct {
	Mode        Mode
	Transport   Transport
	Subscribers int           // fanout: of the channel; publish: 0 for none, else one for each channel
	InFlight    int           // fanout: publishes that not all subscribers have; connect: connects at once
	Rate        int           // a second: publishes, or connects; 0: as fast as InFlight or Connections allow
	Bytes       int           // of a message's data
	Duration    time.Duration // of publishing
	Connections int           // publish: that publish; idle and connect: that are opened
	Channels    int           // publish: that are published to
	Settle      time.Duration // idle: from the last delivery until memory is read
	Patience    time.Duration // until a message that has not come counts as lost, and a publish without an answer as failed
	Progress    io.Writer     // gets a line a second
}

// DefaultOptions are loads that a laptop bears.
func DefaultOptions(mode Mode) Options {
	o := Options{
		Mode: mode, Transport: WebSocket, Subscribers: 1000, InFlight: 1, Bytes: 128, Duration: 10 * time.Second,
		Connections: 32, Channels: 100, Settle: 20 * time.Second, Patience: 10 * time.Second, Progress: io.Discard,
	}
	switch mode {
	case Idle:
		o.Connections = 10_000
	case Connect:
		o.Connections, o.InFlight = 5000, 32
	}
	return o
}

// Bounds of a run: it ends by itself, and fits into a machine.
const (
	maxSubscribers = 1_000_000 // the limit of open files comes first
	maxInFlight    = 1024
	maxRate        = 1_000_000
	minBytes       = 32        // holds the numbers that are checked
	maxBytes       = 256 << 10 // below maxFrame, with the envelope
	maxDuration    = 10 * time.Minute
	maxChannels    = 9999 // as many as a payload can number
	maxLanes       = 1024
)

// Validate refuses what is out of bounds.
func (o Options) Validate() error {
	for _, bound := range []struct {
		name          string
		is, low, high int
	}{
		{"subscribers", o.Subscribers, 0, maxSubscribers},
		{"in-flight", o.InFlight, 1, maxInFlight},
		{"rate", o.Rate, 0, maxRate},
		{"bytes", o.Bytes, minBytes, maxBytes},
		{"connections", o.Connections, 1, o.mostConnections()},
		{"channels", o.Channels, 1, maxChannels},
	} {
		if bound.is < bound.low || bound.is > bound.high {
			return fmt.Errorf("--%s %d: want %d to %d", bound.name, bound.is, bound.low, bound.high)
		}
	}
	switch {
	case o.Duration <= 0 || o.Duration > maxDuration:
		return fmt.Errorf("--duration %v: want up to %v", o.Duration, maxDuration)
	case o.Settle < 0 || o.Settle > maxDuration:
		return fmt.Errorf("--settle %v: want up to %v", o.Settle, maxDuration)
	case o.Patience <= 0 || o.Patience > maxDuration:
		return fmt.Errorf("--patience %v: want up to %v", o.Patience, maxDuration)
	case o.Mode == Fanout && o.Subscribers == 0:
		return fmt.Errorf("--subscribers 0: want one at least")
	}
	return enoughFiles(o.sockets())
}

func (o Options) mostConnections() int {
	if o.Mode == Publish {
		return maxLanes
	}
	return maxSubscribers
}

// sockets is how many the run opens at once.
func (o Options) sockets() int {
	switch o.Mode {
	case Fanout:
		return o.Subscribers + o.InFlight
	case Publish:
		return o.Channels + o.Connections
	}
	return o.Connections + 1
}

// Run measures a server, and returns an error where there is nothing to measure. That messages were lost is in the result.
func Run(ctx context.Context, t *Target, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := newRun(t, o)
	ticking, stop := context.WithCancel(ctx)
	r.background.Go(func() { r.tell(ticking) })
	defer r.background.Wait()
	defer stop()
	defer r.close()
	result, err := r.measure(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Mode, err)
	}
	return result, nil
}

func (r *run) measure(ctx context.Context) (*Result, error) {
	switch r.options.Mode {
	case Fanout:
		return r.fanout(ctx)
	case Publish:
		return r.publish(ctx)
	case Idle:
		return r.idle(ctx)
	case Connect:
		return r.connect(ctx)
	}
	return nil, fmt.Errorf("there is no such mode")
}
