package verify

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// Times of disasters.
const (
	killedWithin = 3 * time.Second // from one kill to the next
	amidDrain    = time.Second     // from SIGTERM to a kill, at most: a drain takes about that
	amidJoin     = time.Second     // from a start to a kill, at most: a small state is copied by then
	longDead     = 6 * time.Second // of two nodes at a time: gossip may have declared them dead by then, and may not
)

// disaster says what is done to more than one node, and how it is made and undone.
func (s *surgeon) disaster(ctx context.Context, kind FaultKind, victim *node) (detail string, do func() error) {
	other := s.another(victim)
	switch kind {
	case KillAmidDrain:
		return "kill-amid-drain: " + other.name + " in the drain of", func() error { return s.killAmidDrain(ctx, victim, other) }
	case Twice:
		return "twice: " + other.name + " soon after", func() error { return s.killTwice(ctx, victim, other, false) }
	case KillAmidJoin:
		return "kill-amid-join: " + other.name + " in the return of", func() error { return s.killTwice(ctx, victim, other, true) }
	case Pair:
		return "pair: " + other.name + " and", func() error { return s.killAtOnce(ctx, victim, other) }
	default:
		return "all, among them", func() error { return s.killAtOnce(ctx, s.cluster.nodes...) }
	}
}

// another is any node but one.
func (s *surgeon) another(than *node) *node {
	others := slices.DeleteFunc(slices.Clone(s.cluster.nodes), func(n *node) bool { return n == than })
	return others[rand.IntN(len(others))]
}

// killAmidDrain has one node drain, and kills another meanwhile. The drain must end, and well: nothing that was acknowledged may go with
// the two.
func (s *surgeon) killAmidDrain(ctx context.Context, leaver, victim *node) error {
	if err := leaver.signal(syscall.SIGTERM); err != nil {
		return err
	}
	sleep(ctx, rand.N(amidDrain))
	err := s.killFor(ctx, victim, rand.N(killedWithin))
	return errors.Join(err, s.restart(leaver, leaver.awaitEnd()))
}

// killTwice kills one node and then another. Where the first is to return before, it gets its copies from the other amid the kill.
func (s *surgeon) killTwice(ctx context.Context, first, second *node, returned bool) error {
	if err := first.kill(); err != nil {
		return err
	}
	if returned {
		if err := s.cluster.start(first, s.cluster.nodes); err != nil {
			return err
		}
		sleep(ctx, rand.N(amidJoin))
		return s.killFor(ctx, second, rand.N(longDead))
	}
	sleep(ctx, rand.N(killedWithin))
	if err := s.killFor(ctx, second, rand.N(longDead)); err != nil {
		return err
	}
	return s.cluster.start(first, s.cluster.nodes)
}

// killAtOnce kills nodes in the same moment, and starts them all.
func (s *surgeon) killAtOnce(ctx context.Context, victims ...*node) error {
	var errs []error
	for _, n := range victims {
		errs = append(errs, n.signal(syscall.SIGKILL))
	}
	for _, n := range victims {
		n.reap()
	}
	sleep(ctx, rand.N(longDead))
	for _, n := range victims {
		errs = append(errs, s.cluster.start(n, s.cluster.nodes))
	}
	return errors.Join(errs...)
}
