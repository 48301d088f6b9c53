package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"halley/pushnode"
	"halley/tenant"
)

type nodesCommand struct{}

// Help is the long text of --help.
func (nodesCommand) Help() string {
	return `Prints {"nodes":[…],"slots","led","leaderless","lost"}: every process that has reported within the last hour, what it holds and leads, how far the
copies elsewhere of what it leads have come, and what is suspended because it lags. Nodes report every 5 s; "silent" ones have not for 15 s.`
}

// nodeLine is one node as it is printed.
type nodeLine struct {
	Instance string          `json:"instance"`
	Node     string          `json:"node"`
	Started  time.Time       `json:"started"`
	Seen     time.Time       `json:"seen"`
	Silent   bool            `json:"silent"`
	silence  time.Duration   // since Seen
	Buried   bool            `json:"buried"` // an operator has called it dead
	Report   pushnode.Report `json:"report"`
}

// Run lists the nodes.
func (nodesCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.run(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		reports, err := store.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		return nodesOf(reports), nil
	})
}

// clusterLine is all nodes, and what they know of the slots: of what each knows, the worst.
type clusterLine struct {
	Nodes      []nodeLine `json:"nodes"`
	Slots      int        `json:"slots"`
	Led        int        `json:"led"`
	Leaderless int        `json:"leaderless"`
	Lost       int        `json:"lost"`
}

// stateUnreadable is what is printed of a node whose report this version does not understand.
const stateUnreadable = "unreadable"

func nodesOf(reports []tenant.NodeReport) clusterLine {
	all := clusterLine{Nodes: []nodeLine{}}
	for _, one := range reports {
		line := nodeLine{
			Instance: one.Instance, Node: one.Name, Started: one.Started.UTC(), Seen: one.Seen.UTC(), Silent: one.Silence > reportStale,
			silence: one.Silence,
			Buried:  !one.Buried.IsZero(),
		}
		if json.Unmarshal([]byte(one.Report), &line.Report) != nil { // of another version: the others are to be seen all the same
			line.Report = pushnode.Report{State: stateUnreadable}
		}
		all.Nodes = append(all.Nodes, line)
		if line.Silent {
			continue
		}
		all.Slots = max(all.Slots, line.Report.Slots)
		all.Led += line.Report.Leads
		all.Leaderless = max(all.Leaderless, line.Report.Leaderless)
		all.Lost = max(all.Lost, line.Report.Lost)
	}
	return all
}

type buryNodeCommand struct {
	Instance string `arg:"" help:"The instance that is dead, as halley admin nodes lists it."`
}

// Help is the long text of --help.
func (buryNodeCommand) Help() string {
	return `For slots that have lost their majority and wait for a node that will never come back ("waits" in halley admin nodes). They go on with what the
others hold, and clients are told where that may lack something. Nodes hear of it within 5 s. A node that still reports is refused.

Be sure that the process has ended. One that lives on behind a broken network would go on by itself, and what it takes in would be
merged later, out of order.`
}

// Run writes the operator's word down.
func (c buryNodeCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.run(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		if _, err := strconv.ParseUint(c.Instance, 16, 64); err != nil || len(c.Instance) != 16 {
			return nil, usageError{fmt.Errorf("instance %q: want 16 hexadecimal digits", c.Instance)}
		}
		reports, err := store.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		if err := mayBury(reports, c.Instance); err != nil {
			return nil, err
		}
		err = store.BuryNode(ctx, c.Instance)
		return struct {
			Instance string `json:"instance"`
			Buried   bool   `json:"buried"`
		}{c.Instance, err == nil}, err
	})
}

// mayBury refuses to call a process dead that says something, or of which nobody knows. One that has been silent for over an hour is not
// listed any more, but those that wait for it name it.
func mayBury(reports []tenant.NodeReport, instance string) error {
	known := false
	for _, one := range nodesOf(reports).Nodes {
		if one.Instance == instance && !one.Silent {
			return fmt.Errorf("instance %s lives: it reported %.0f s ago; stop it, and wait until it is \"silent\" in halley admin nodes",
				instance, one.silence.Seconds())
		}
		known = known || one.Instance == instance || slices.Contains(one.Report.Waits, instance)
	}
	if !known {
		return fmt.Errorf("instance %s: no node reports as such or waits for it, see halley admin nodes", instance)
	}
	return nil
}
