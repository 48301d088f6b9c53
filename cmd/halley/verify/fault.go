package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"halley/cmd/halley/verify/history"
)

// FaultKind is a way to hurt a cluster.
type FaultKind string

// The faults that no client may notice but by a pause. Each hurts one node, or the way between two, and is over before the next.
const (
	Kill      FaultKind = "kill"      // kill -9, and a start up to three seconds later
	Restart   FaultKind = "restart"   // kill -9, and a start within 200 ms on the same ports
	Pause     FaultKind = "pause"     // SIGSTOP for 0.3, 2 or 10 s
	Drain     FaultKind = "drain"     // SIGTERM, and a start when the node has gone
	Partition FaultKind = "partition" // one node, one pair or one direction cut off for five seconds
	Slow      FaultKind = "slow"      // one node's network delayed and lossy for eight seconds
	Starve    FaultKind = "starve"    // one node gets 5 % of its time for eight seconds
	Narrow    FaultKind = "narrow"    // one node's network carries 1 Mbit/s for eight seconds
	Rotate    FaultKind = "rotate"    // the next step of a rotation of the cluster's secret: all nodes are drained, one after the other
)

// The faults that take more than one node at a time, so that slots may lose the majority of their copies: see losing.
const (
	KillAmidDrain FaultKind = "kill-amid-drain" // SIGTERM for one node, and kill -9 for another before the first has gone
	Twice         FaultKind = "twice"           // kill -9, and again of another node within three seconds
	KillAmidJoin  FaultKind = "kill-amid-join"  // kill -9, and again of another node while the first, started again, gets its copies
	Pair          FaultKind = "pair"            // kill -9 of two nodes at once
	All           FaultKind = "all"             // kill -9 of all nodes at once
)

// Faults are all of them.
var Faults = []FaultKind{
	Kill, Restart, Pause, Drain, Partition, Slow, Starve, Narrow, Rotate, KillAmidDrain, Twice, KillAmidJoin, Pair, All,
}

// smooth reports whether nobody may notice the fault at all.
func (k FaultKind) smooth() bool { return k == Drain || k == Rotate }

// several reports whether more than one node is gone at a time: fewer have what is acknowledged meanwhile.
func (k FaultKind) several() bool { return k == KillAmidDrain || k.losing() }

// losing reports whether slots may lose the majority of their copies, and with it what was acknowledged: then a gap is told.
func (k FaultKind) losing() bool { return k == Twice || k == KillAmidJoin || k == Pair || k == All }

// ParseFaults reads names of faults, or "none".
func ParseFaults(names []string) ([]FaultKind, error) {
	var kinds []FaultKind
	for _, name := range names {
		switch kind := FaultKind(name); {
		case name == "none":
		case slices.Contains(Faults, kind):
			kinds = append(kinds, kind)
		default:
			return nil, fmt.Errorf("fault %q: want %s", name, strings.Join(faultNames(), ", ")+" or none")
		}
	}
	return kinds, nil
}

func faultNames() []string {
	var names []string
	for _, kind := range Faults {
		names = append(names, string(kind))
	}
	return names
}

// Times of faults.
const (
	restartWithin = 200 * time.Millisecond
	deadAtMost    = 3 * time.Second
	cutFor        = 5 * time.Second
	impairedFor   = 8 * time.Second
	settle        = 2 * time.Second // after a fault is over, and after the start of the load
	burst         = 5 * time.Millisecond
	hush          = 95 * time.Millisecond
)

var pauseLengths = []time.Duration{300 * time.Millisecond, 2 * time.Second, 10 * time.Second}

// surgeon makes faults, one after the other.
type surgeon struct {
	cluster  *Cluster
	recorder *Recorder
	progress io.Writer
	faults   []FaultKind
	every    time.Duration // from one fault to the next, at least
}

// run makes faults in turn for a while. What does not get well is recorded as trouble, and ends the run.
func (s *surgeon) run(ctx context.Context, duration time.Duration) error {
	end := time.Now().Add(duration)
	sleep(ctx, min(settle, duration))
	for turn := 0; time.Now().Before(end) && ctx.Err() == nil; turn++ {
		if len(s.faults) == 0 {
			sleep(ctx, time.Until(end))
			break
		}
		next := time.Now().Add(s.every)
		if err := s.hurt(ctx, s.faults[turn%len(s.faults)], turn); err != nil {
			if ctx.Err() == nil {
				s.recorder.Add(history.Event{Kind: history.Trouble, Reason: err.Error()})
			}
			break
		}
		sleep(ctx, min(time.Until(next), time.Until(end)))
	}
	return ctx.Err()
}

// hurt makes one fault, and waits until the cluster is well again.
func (s *surgeon) hurt(ctx context.Context, kind FaultKind, turn int) error {
	victim := s.cluster.nodes[rand.IntN(len(s.cluster.nodes))]
	detail, do := s.plan(ctx, kind, turn, victim)
	fmt.Fprintf(s.progress, "%6.1fs  %s %s\n", s.recorder.Now().Seconds(), detail, victim.name)
	s.recorder.Add(history.Event{Kind: history.Fault, Client: victim.name, Reason: detail})
	err := do()
	for _, n := range s.cluster.nodes {
		err = errors.Join(err, n.awaitReady(ctx, s.cluster.Target))
	}
	if err != nil {
		return fmt.Errorf("after %s of %s: %w", detail, victim.name, err)
	}
	s.recorder.Add(history.Event{Kind: history.Healed, Client: victim.name})
	sleep(ctx, settle)
	return nil
}

// plan says what a fault is in detail, and how it is made and undone.
func (s *surgeon) plan(ctx context.Context, kind FaultKind, turn int, victim *node) (detail string, do func() error) {
	switch kind {
	case Kill:
		return "kill", func() error { return s.killFor(ctx, victim, rand.N(deadAtMost)) }
	case Restart:
		return "restart", func() error { return s.killFor(ctx, victim, rand.N(restartWithin)) }
	case Pause:
		length := pauseLengths[turn/len(s.faults)%len(pauseLengths)]
		return fmt.Sprintf("pause %v", length), func() error { return s.pause(ctx, victim, length) }
	case Drain:
		return "drain", func() error { return s.drain(victim) }
	case Partition:
		return s.partition(ctx, turn, victim)
	case Slow:
		return "slow", func() error { return s.undo(ctx, impairedFor, s.cluster.network.impair(victim.index)) }
	case Starve:
		return "starve", func() error { return s.starve(ctx, victim) }
	case Narrow:
		return "narrow", func() error { return s.undo(ctx, impairedFor, s.cluster.network.narrow(victim.index)) }
	case Rotate:
		return s.rotate(ctx)
	default:
		return s.disaster(ctx, kind, victim)
	}
}

func (s *surgeon) killFor(ctx context.Context, victim *node, dead time.Duration) error {
	if err := victim.kill(); err != nil {
		return err
	}
	sleep(ctx, dead)
	return s.cluster.start(victim, s.cluster.nodes)
}

func (s *surgeon) pause(ctx context.Context, victim *node, length time.Duration) error {
	if err := victim.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	sleep(ctx, length)
	return victim.signal(syscall.SIGCONT)
}

// drain restarts a node as an upgrade does. It must end by itself, and well.
func (s *surgeon) drain(victim *node) error {
	return s.restart(victim, victim.terminate())
}

// restart starts a node after a drain, which has ended so.
func (s *surgeon) restart(n *node, drained error) error {
	if drained != nil {
		return fmt.Errorf("it did not drain: %w", drained)
	}
	return s.cluster.start(n, s.cluster.nodes)
}

// partition cuts one node off, the way between two nodes, or one direction of it, in turn.
func (s *surgeon) partition(ctx context.Context, turn int, victim *node) (detail string, do func() error) {
	others := slices.DeleteFunc(slices.Clone(s.cluster.nodes), func(n *node) bool { return n == victim })
	peer := others[rand.IntN(len(others))]
	cut := func(from, to *node) error { return s.cluster.network.cut(from.index, to.index) }
	switch turn / len(s.faults) % 3 {
	case 0:
		return "isolate", func() error {
			var errs []error
			for _, n := range others {
				errs = append(errs, cut(victim, n), cut(n, victim))
			}
			return s.undo(ctx, cutFor, errors.Join(errs...))
		}
	case 1:
		return "cut " + peer.name + " from", func() error {
			return s.undo(ctx, cutFor, errors.Join(cut(victim, peer), cut(peer, victim)))
		}
	default:
		return "deafen " + peer.name + " to", func() error { return s.undo(ctx, cutFor, cut(victim, peer)) }
	}
}

// undo lets what was done to the network last, and heals it.
func (s *surgeon) undo(ctx context.Context, after time.Duration, done error) error {
	if done == nil {
		sleep(ctx, after)
	}
	return errors.Join(done, s.cluster.network.heal())
}

// starve gives a node a twentieth of its time, in bursts.
func (s *surgeon) starve(ctx context.Context, victim *node) error {
	for end := time.Now().Add(impairedFor); time.Now().Before(end) && ctx.Err() == nil; {
		if err := victim.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		sleep(ctx, hush)
		if err := victim.signal(syscall.SIGCONT); err != nil {
			return err
		}
		sleep(ctx, burst)
	}
	return nil
}
