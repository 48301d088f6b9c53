// Package pushnode is one running node: it takes publications and connections, keeps the slots, and carries what happens in
// them to those who watch.
//
// It does not hold sockets (package session), know what a channel remembers (package channel), agree with other nodes on the
// order of things (package slot) or ask a database on the way of a message (package tenant answers from memory).
//
// Start reading at publish.go, then slots.go and deliver.go: the way of a publication. DESIGN.md holds the rest.
package pushnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/pushnode/host"
	"halley/pushnode/session"
	"halley/pushnode/webhook"
	"halley/tenant"
)

// Config is what a node is made of. All fields but Session, Peering, Legacy and Pressure are required.
type Config struct {
	Instance   uint64 // names this process life: of NewInstance
	Cluster    uint64 // names the cluster's life: part of every epoch; random where a cluster is founded
	Directory  *tenant.Directory
	Limiter    *tenant.Limiter
	Meter      *tenant.Meter
	Verifier   *auth.Verifier
	Signer     *auth.Signer
	Session    session.Config
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Peering    *Peering // nil: a cluster of this node alone
	Legacy     *Legacy  // of an earlier life in another cluster; nil: none
	Pressure   Pressure // what the node may use; zero: whatever it wants
	Webhooks   *tenant.WebhookLog
	Post       func(context.Context, webhook.Post) webhook.Attempt // sends what webhooks are told
}

// Node is one running push node. New builds it, Run lives, Drain tells its clients to go elsewhere.
type Node struct {
	// immutable after New
	instance   uint64
	directory  *tenant.Directory
	limiter    *tenant.Limiter
	meter      *tenant.Meter
	verifier   *auth.Verifier
	signer     *auth.Signer
	logger     *slog.Logger
	metrics    *metrics
	slots      *slots
	deliveries *deliveries
	doubts     *doubts
	guard      *guard
	heat       *heat
	webhooks   *webhooks
	sessions   *session.Server
	handler    http.Handler
	sight      sight
	peers      *peers      // nil: there are none
	joined     atomic.Bool // set once, when it holds what it should; read by Ready
	draining   atomic.Bool // set once by Drain, which begins; read by every request
	refusing   atomic.Bool // set once by Drain: nothing is taken any more
}

// NewInstance draws the id of a process life. No other one in the cluster may ever have it, so it is one of very many (some 1.7e13).
func NewInstance() uint64 { return rand.Uint64N(host.MaxInstance) + 1 }

// New builds a node that leads all slots of a cluster of one. It serves nobody before Run.
func New(config Config) (*Node, error) {
	if config.Instance == 0 || config.Instance > host.MaxInstance {
		return nil, fmt.Errorf("node: no process life has the instance id %x", config.Instance)
	}
	n := &Node{
		instance:  config.Instance,
		directory: config.Directory,
		limiter:   config.Limiter,
		meter:     config.Meter,
		verifier:  config.Verifier,
		signer:    config.Signer,
		logger:    config.Logger,
	}
	n.deliveries, n.doubts = newDeliveries(n.newFanOut, func(slot int) { n.slots.Missed(slot) }), newDoubts()
	n.slots = newSlots(config, n.deliveries, n.countOnce)
	n.guard = newGuard(config.Pressure, config.Registerer, config.Logger)
	n.slots.guard = n.guard
	n.webhooks = newWebhooks(config)
	n.webhooks.slots, n.slots.webhooks = n.slots, n.webhooks
	n.heat = newHeat()
	if err := n.join(config); err != nil {
		return nil, err
	}
	n.metrics = newMetrics(config.Registerer, n.deliveries, n.slots)
	n.sessions = session.New(config.Session, n) // it has goroutines: nothing may fail from here on
	n.handler = n.routes()
	return n, nil
}

// join makes the node part of its cluster: its links, and all slots where there is nobody else.
func (n *Node) join(config Config) error {
	now := n.slots.clock.now()
	n.slots.host.SetView(now, []host.Node{{Instance: config.Instance}})
	if config.Peering == nil {
		n.joined.Store(true)
		return n.slots.host.Found(now)
	}
	var err error
	if n.peers, err = newPeers(n, config); err != nil {
		return err
	}
	n.slots.links = n.peers
	if config.Peering.Founder {
		return n.slots.host.Found(now)
	}
	return nil
}

// Handler serves everything under /v1/ and the files that clients load.
func (n *Node) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.draining.Load() {
			w.Header().Set("Connection", "close") // the client's next request goes elsewhere
		}
		if r.URL.Path == webSocketPath && r.Method == http.MethodGet { // the router costs as much as a system call
			n.sessions.WebSocket(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, session.PusherPath) && r.Method == http.MethodGet { // likewise
			n.sessions.Pusher(w, r)
			return
		}
		n.handler.ServeHTTP(w, r)
	})
}

// Run gives the node its time until ctx ends, then closes what is still connected and waits for it.
func (n *Node) Run(ctx context.Context) error {
	// The deliveries outlive what feeds them: the last effects still reach their connections.
	delivering, stopDelivering := context.WithCancel(context.WithoutCancel(ctx))
	var feeding, delivery sync.WaitGroup
	delivery.Go(func() { n.deliveries.run(delivering) })
	feeding.Go(func() { n.slots.run(ctx) })
	if n.peers != nil {
		feeding.Go(func() { n.peers.run(ctx) })
		feeding.Go(func() { n.watchSight(ctx) })
	}
	feeding.Go(func() { n.slots.keepCount(ctx) })
	feeding.Go(func() { n.followSessions(ctx) })
	feeding.Go(func() { n.lookAgain(ctx) })
	feeding.Go(func() { n.answerPeers(ctx) })
	feeding.Go(func() { n.followDirectory(ctx) })
	feeding.Go(func() { n.heat.keep(ctx, n.meter) })
	feeding.Go(func() { n.webhooks.run(ctx) })
	feeding.Go(func() { n.guard.watch(ctx, n.sessions.Relieve) })
	feeding.Wait()
	err := n.sessions.Close()
	stopDelivering()
	delivery.Wait()
	return err
}

// What Ready answers while the node comes and goes.
var (
	errJoining  = errors.New("joining: its copies are not level yet")
	errDraining = errors.New("draining")
)

// Ready reports whether a balancer should send clients here.
func (n *Node) Ready() error {
	if n.draining.Load() {
		return errDraining
	}
	if !n.joined.Load() {
		return errJoining
	}
	if n.sight.cutOff.Load() {
		return errCutOff
	}
	return nil
}

// followDirectory looks again at the connections of each app that changed: a key revoked, an app disabled, a rule made private.
func (n *Node) followDirectory(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case appID := <-n.directory.Changes():
			n.sessions.Recheck(appID)
		}
	}
}
