package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"halley/pushnode"
	"halley/tenant"
)

type nodesCommand struct{}

// Help is the long text of --help.
func (nodesCommand) Help() string {
	return `Prints {"nodes":[…],"slots","leaderless","lost"}: every process that has reported within the last hour, what it holds and leads, how far the
copies elsewhere of what it leads have come, and what is suspended because it lags. Nodes report every 5 s; "silent" ones have not for 15 s.`
}

// nodeLine is one node as it is printed.
type nodeLine struct {
	Instance string          `json:"instance"`
	Node     string          `json:"node"`
	Started  time.Time       `json:"started"`
	Seen     time.Time       `json:"seen"`
	Silent   bool            `json:"silent"`
	Report   pushnode.Report `json:"report"`
}

// Run lists the nodes.
func (nodesCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.run(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		reports, err := store.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		return nodesOf(reports, time.Now())
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

func nodesOf(reports []tenant.NodeReport, now time.Time) (clusterLine, error) {
	all := clusterLine{Nodes: []nodeLine{}}
	for _, one := range reports {
		line := nodeLine{
			Instance: one.Instance, Node: one.Name, Started: one.Started.UTC(), Seen: one.Seen.UTC(), Silent: now.Sub(one.Seen) > reportStale,
		}
		if err := json.Unmarshal([]byte(one.Report), &line.Report); err != nil {
			return all, fmt.Errorf("report of %s: %w", one.Name, err)
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
	return all, nil
}
