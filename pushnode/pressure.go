package pushnode

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/pressure"
	"halley/pushnode/wire"
)

// Pressure says what a node may use, and who measures what it does.
type Pressure struct {
	Limits pressure.Limits                      // zero: no bounds
	Sample func(now time.Time) pressure.Reading // nil: this process is measured
}

// pressureInterval is how often a node looks at what it uses: memory for a second of a connect storm lies between any two states.
const pressureInterval = time.Second

// When those come back who are refused. A refused WebSocket costs some 100 us: those that come back take a fiftieth of a processor. Who was
// connected before goes first: its session is here, and costs memory as it is.
const (
	newcomersRate, newcomersLeast, newcomersMost    = 200, 5 * time.Second, 2 * time.Minute
	returnersRate, returnersLeast, returnersMost    = 500, time.Second, 30 * time.Second
	publishersRate, publishersLeast, publishersMost = 1000, time.Second, 10 * time.Second
)

// guard refuses what a node has no room for.
type guard struct {
	// immutable
	limits  pressure.Limits
	sample  func(now time.Time) pressure.Reading // nil: nothing is bounded
	logger  *slog.Logger
	metrics *guardMetrics

	newcomers, returners, publishers *pressure.Pace

	state atomic.Uint32 // a pressure.State: written by watch, read by every request
}

func newGuard(config Pressure, registerer prometheus.Registerer, logger *slog.Logger) *guard {
	g := &guard{
		limits: config.Limits, sample: config.Sample, logger: logger,
		newcomers:  pressure.NewPace(newcomersRate, newcomersLeast, newcomersMost),
		returners:  pressure.NewPace(returnersRate, returnersLeast, returnersMost),
		publishers: pressure.NewPace(publishersRate, publishersLeast, publishersMost),
	}
	if g.sample == nil && config.Limits != (pressure.Limits{}) {
		g.sample = pressure.NewSampler(config.Limits.Memory).Read
	}
	g.metrics = newGuardMetrics(registerer, g)
	return g
}

func (g *guard) now() pressure.State { return pressure.State(g.state.Load()) }

func (g *guard) critical() bool { return g.now() == pressure.Critical }

// admit refuses a connection that there is no room for. Who comes back is let in as long as anything is.
func (g *guard) admit(comesBack bool, now time.Time) error {
	switch state := g.now(); {
	case state == pressure.Normal || comesBack && state < pressure.Critical:
		return nil
	case comesBack:
		return g.refuse("resumes", "this node has no memory left: connect again later", g.returners, now)
	default:
		return g.refuse("connections", "this node lets no new clients in just now: connect again later", g.newcomers, now)
	}
}

// publish refuses a publication that there is no room for.
func (g *guard) publish(now time.Time) error {
	if g.now() < pressure.Strained {
		return nil
	}
	return g.refuse("publications", "this node is short of memory: publish again later, with the same id", g.publishers, now)
}

func (g *guard) refuse(what, text string, pace *pressure.Pace, now time.Time) error {
	g.metrics.shed.WithLabelValues(what).Inc()
	return wire.Errorf(wire.CodeOverCapacity, "%s", text).After(pace.Wait(now))
}

// watch judges what the node uses until ctx ends. relieve lets go of queued bytes, as many as it is told, and returns of how many
// connections how many went.
func (g *guard) watch(ctx context.Context, relieve func(bytes int) (gone, connections int)) {
	if g.sample == nil {
		return
	}
	judge := &pressure.Judge{Limits: g.limits}
	every(ctx, pressureInterval, func(now time.Time) { g.look(judge, now, relieve) })
}

func (g *guard) look(judge *pressure.Judge, now time.Time, relieve func(bytes int) (gone, connections int)) {
	reading, before := g.sample(now), judge.State()
	state := judge.Take(now, reading)
	g.state.Store(uint32(state))
	g.metrics.saw(reading)
	if state != before {
		g.tell(before, state, reading)
	}
	if excess := judge.Excess(reading.Memory); state == pressure.Critical && excess > 0 {
		gone, connections := relieve(int(excess))
		g.metrics.relieved(gone, connections)
	}
}

// tell logs a change of state.
func (g *guard) tell(before, state pressure.State, reading pressure.Reading) {
	level := slog.LevelInfo
	if state > before {
		level = slog.LevelWarn
	}
	g.logger.Log(context.Background(), level, "pressure on this node changed", "state", state.String(), "was", before.String(),
		"memory_bytes", reading.Memory, "memory_limit_bytes", g.limits.Memory, "delay_seconds", reading.Delay.Seconds())
}

// What a balancer is told that asks where new clients should go.
var errPressed = errors.New("under pressure: no new clients are let in")

// Admits reports whether new clients should be sent here: it is Ready, and besides not under pressure.
func (n *Node) Admits() error {
	if err := n.Ready(); err != nil {
		return err
	}
	if n.guard.now() > pressure.Normal {
		return errPressed
	}
	return nil
}
