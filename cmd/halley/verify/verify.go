// Package verify drives a cluster from the outside, hurts it, and finds out whether it keeps its promises.
//
// It knows the public API alone: HTTP, WebSocket, event streams, long poll. Publishers and subscribers record what they see; package
// history judges it. Nodes that it starts itself it can kill, pause, drain and cut off from each other; what it started, it ends. It
// measures no peak speed: the load is steady, so that a pause shows. Start reading at Run, then at crowd.run (load.go) for the clients and
// at surgeon.run (fault.go) for the faults.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"halley/cmd/halley/verify/history"
)

// Options of a run.
type Options struct {
	Load     Load
	Duration time.Duration // of the load, the time to get everything afterwards aside
	Faults   []FaultKind
	Every    time.Duration // from one fault to the next, at least
	Progress io.Writer     // gets a line now and then
	Copies   int           // how many nodes must have what is acknowledged; 0: as many as are in force when the run begins
}

// DefaultLoad is light enough for a laptop: about 200 publishes/s.
func DefaultLoad() Load {
	return Load{
		Channels: 10, Publishers: 2, Every: 100 * time.Millisecond, Followers: 20, Members: 4,
		Life: 15 * time.Second, Transports: Transports, Patience: 30 * time.Second,
	}
}

// What the service promises of presence, and how long clients here take to find that a connection is dead.
const (
	grace          = 15 * time.Second
	directoryDelay = 2500 * time.Millisecond
	warmUpPatience = 60 * time.Second
	progressEvery  = 5 * time.Second
)

// RunOwn founds a cluster, verifies it and ends it.
func RunOwn(ctx context.Context, s Settings, o Options) (result *history.Result, events []history.Event, err error) {
	fmt.Fprintf(o.Progress, "starting %d nodes, %s\n", s.Nodes, ways[s.Namespaces])
	c, err := startCluster(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return run(ctx, c.Target, c, o)
}

var ways = map[bool]string{true: "each in a network namespace", false: "on the loopback, behind relays"}

// Run verifies a cluster that runs already, without hurting it.
func Run(ctx context.Context, target *Target, o Options) (*history.Result, []history.Event, error) {
	if len(o.Faults) > 0 {
		return nil, nil, errors.New("a cluster that the run has not started is not hurt")
	}
	return run(ctx, target, nil, o)
}

// run loads, hurts and judges.
func run(ctx context.Context, target *Target, cluster *Cluster, o Options) (*history.Result, []history.Event, error) {
	if o.Load.Prefix == "" {
		o.Load.Prefix = "verify-" + strconv.FormatUint(uint64(rand.Uint32()), 36)
	}
	rules := o.rules()
	recorder := NewRecorder()
	clients := newCrowd(o.Load, target, recorder)
	if rules.Copies == 0 {
		copies, err := clients.warmUp(ctx, min(2, len(target.URLs)))
		if err != nil {
			return nil, nil, err
		}
		rules.Copies = copies
	}
	if slices.ContainsFunc(o.Faults, FaultKind.several) || len(o.Faults) > 0 && len(target.URLs) == 2 {
		rules.Copies = 1 // of two, one goes on alone
	}
	if err := clients.addBallast(ctx); err != nil {
		return nil, nil, err
	}
	running, stop := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer stop()
	helpers.Go(func() { tell(running, recorder, o.Progress) })
	if rules.Smooth {
		// A planned restart is one that a balancer knows of.
		helpers.Go(func() { target.balance(running) })
	}
	err := clients.run(ctx, func(ctx context.Context) error {
		s := &surgeon{cluster: cluster, recorder: recorder, progress: o.Progress, faults: o.Faults, every: o.Every}
		return s.run(ctx, o.Duration)
	})
	if err != nil {
		return nil, nil, err
	}
	events := recorder.Events()
	return history.Check(events, rules), events, nil
}

// rules are what is promised under the faults of a run.
func (o Options) rules() history.Rules {
	losing := slices.ContainsFunc(o.Faults, FaultKind.losing)
	return history.Rules{
		Copies: o.Copies, Grace: grace, Silence: silence, NoGaps: !losing, Breaks: losing,
		Smooth: len(o.Faults) > 0 && !slices.ContainsFunc(o.Faults, func(k FaultKind) bool { return !k.smooth() }),
	}
}

// warmUp publishes to every channel until what is acknowledged has as many copies as a cluster of this size gives. A cluster that gives
// fewer is taken for what it is, if it is not the run's own.
func (c *crowd) warmUp(ctx context.Context, want int) (copies int, err error) {
	least := 0
	c.await(ctx, warmUpPatience, func() bool {
		least, err = c.copies(ctx)
		return err == nil && least >= want
	})
	if err != nil {
		return 0, fmt.Errorf("the first publish: %w", err)
	}
	return least, ctx.Err()
}

// copies is the least number of copies that a publish to each channel gets.
func (c *crowd) copies(ctx context.Context) (least int, err error) {
	for i, channel := range c.channels {
		p := &publisher{target: c.target, name: "warm-up", channel: channel}
		id := fmt.Sprintf("warm-up-%d", rand.Uint64())
		c.recorder.Add(history.Event{Kind: history.Earlier, Channel: channel, ID: id})
		answer, err := p.post(ctx, id, "")
		if err != nil {
			return 0, err
		}
		if i == 0 || answer.Copies < least {
			least = answer.Copies
		}
	}
	return least, nil
}

// tell writes a line of progress now and then.
func tell(ctx context.Context, r *Recorder, w io.Writer) {
	for sleep(ctx, progressEvery) {
		fmt.Fprintf(w, "%6.1fs  %d published, %d acknowledged, %d delivered, %d errors\n", r.Now().Seconds(),
			r.count(history.Invoke), r.count(history.OK), r.count(history.Message), r.count(history.Error))
	}
}
