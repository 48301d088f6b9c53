package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"halley/cmd/halley/verify/history"
)

// lies are what a self-check has told, and the class under which each must be found.
var lies = []struct {
	lie  lie
	want history.Class // empty: there must be no violation
}{
	{honest, ""},
	{dropOne, history.Lost},
	{doubleOne, history.Duplicate},
	{swapTwo, history.Disorder},
	{inventOne, history.Invented},
	{forgeAnswer, history.Lost},
	{hideGap, history.SilentGap},
	{denyStored, history.Resurrected},
	{boastCopies, history.FewCopies},
	{moveRepeat, history.Doubled},
}

// Of a self-check: a load that comes to its lie soon, and a history that soon forgets.
const (
	lyingTime   = 4 * time.Second
	lyingMemory = 20 // messages
	lyingEvery  = 20 * time.Millisecond
)

// ErrNotCaught is that a lie was not found, or the truth was taken for one.
var ErrNotCaught = errors.New("the self-check failed")

// SelfCheck proves that a run finds what is wrong: one node behind a proxy that lies, once in each run. It prints what was caught.
func SelfCheck(ctx context.Context, binary, folder string, w io.Writer) (err error) {
	c, err := startCluster(ctx, Settings{Binary: binary, Nodes: 1, Folder: folder, History: lyingMemory})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	heard := make([]hearing, len(lies))
	var all sync.WaitGroup
	for i, l := range lies {
		all.Go(func() { heard[i] = c.hear(ctx, l.lie) })
	}
	all.Wait()
	for i, l := range lies {
		if heard[i].err != nil {
			return fmt.Errorf("%s: %w", l.lie, heard[i].err)
		}
		verdict := heard[i].verdict(l.want)
		if verdict != asItMustBe {
			err = ErrNotCaught
		}
		found := slices.Sorted(maps.Keys(heard[i].found))
		fmt.Fprintf(w, "%-38s want %-12s found %v: %s\n", l.lie, cmp.Or(string(l.want), "nothing"), found, verdict)
	}
	return err
}

// hearing is what came of a run behind a liar.
type hearing struct {
	found map[history.Class]int
	told  bool // there was a lie
	err   error
}

const asItMustBe = "as it must be"

// verdict judges the run: the lie must be found, and without one nothing.
func (h hearing) verdict(want history.Class) string {
	switch {
	case !h.told && want != "":
		return "WRONG: the lie was not told"
	case want == "" && len(h.found) > 0, want != "" && h.found[want] == 0:
		return "WRONG"
	}
	return asItMustBe
}

// hear runs once behind a liar.
func (c *Cluster) hear(ctx context.Context, tells lie) (h hearing) {
	l, err := newLiar(c.nodes[0].url(), tells)
	if err != nil {
		return hearing{err: err}
	}
	defer func() { h.err = errors.Join(h.err, l.close()) }()
	target, err := NewTarget([]string{l.url}, c.Target.Key)
	if err != nil {
		return hearing{err: err}
	}
	defer target.Close()
	load := Load{
		Channels: 1, Publishers: 2, Every: lyingEvery, Followers: 1, Life: time.Hour,
		Transports: []Transport{SSE}, Patience: tryPatience,
	}
	result, _, err := run(ctx, target, nil, Options{Load: load, Duration: lyingTime, Progress: io.Discard, Copies: 1})
	if err != nil {
		return hearing{err: err}
	}
	return hearing{found: result.Counts, told: l.told.Load()}
}
