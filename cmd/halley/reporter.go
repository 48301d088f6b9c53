package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"halley/pushnode"
	"halley/tenant"
)

const (
	// reportInterval is how often a node says what it is doing, for halley admin nodes.
	reportInterval = 5 * time.Second
	// reportStale is how old a report may be before its node counts as silent.
	reportStale = 3 * reportInterval
)

// reporter writes what a node says of itself into the database.
type reporter struct {
	store    *tenant.Store
	node     *pushnode.Node
	instance string
	name     string
	started  time.Time
	logger   *slog.Logger

	refused map[uint64]bool // owned by run: instances that are called dead and live
}

// run reports until ctx ends, and then takes the report away. A database that is away costs reports and nothing else.
func (r *reporter) run(ctx context.Context) error {
	ticks := time.NewTicker(reportInterval)
	defer ticks.Stop()
	for {
		if err := errors.Join(r.report(ctx), r.bury(ctx)); err != nil && ctx.Err() == nil {
			r.logger.Debug("node not reported", "err", err)
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportInterval)
			defer cancel()
			if err := r.store.RemoveNode(last, r.instance); err != nil {
				r.logger.Debug("report not removed", "err", err)
			}
			return nil
		case <-ticks.C:
		}
	}
}

func (r *reporter) report(ctx context.Context) error {
	text, err := json.Marshal(r.node.Report())
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	buried, err := r.store.ReportNode(ctx, r.instance, r.name, string(text), time.Since(r.started))
	if buried {
		r.logger.Error("an operator has called this node dead, and it lives: nodes that have no link to it went on without it, and take in what " +
			"it alone holds when they have one again; see that its links are up, or stop it")
	}
	return err
}

// bury tells the node whom an operator calls dead. One that lives keeps no other from being believed dead.
func (r *reporter) bury(ctx context.Context) error {
	reports, err := r.store.Nodes(ctx)
	if err != nil {
		return err
	}
	refused := make(map[uint64]bool)
	for _, one := range reports {
		instance, err := strconv.ParseUint(one.Instance, 16, 64)
		if err != nil || one.Buried.IsZero() || one.Instance == r.instance {
			continue
		}
		if err := r.node.Bury([]uint64{instance}); err != nil {
			refused[instance] = true
			if !r.refused[instance] {
				r.logger.Warn("a node is called dead and is not", "instance", one.Instance, "err", err)
			}
		}
	}
	r.refused = refused
	return nil
}
