package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/cmd/halley/edge"
	"halley/console"
	"halley/pushnode"
	"halley/pushnode/session"
	"halley/pushnode/webhook"
	"halley/tenant"
)

type serveCommand struct {
	listenConfig  `embed:"" group:"Ports:"`
	tlsConfig     `embed:"" group:"HTTPS:"`
	storeConfig   `embed:"" group:"Storage:"`
	clusterConfig `embed:"" group:"Cluster:"`
	memoryConfig  `embed:"" group:"Memory:"`
	consoleConfig `embed:"" group:"Console:"`
	egressConfig  `embed:"" group:"Calls to others:"`
}

// Help is the long text of --help.
func (serveCommand) Help() string {
	return `Without any flag everything runs in one process on an embedded database in ./data, and the console's address is printed.

SIGTERM drains: nobody new is let in, clients are told when to come back, what was counted is written, and the exit code is 0.`
}

// Run is one life of a node after another: where it finds that it belongs to another cluster, it begins anew there, with what it held.
// While that is nowhere else, what keeps the next life from beginning is waited out.
func (c serveCommand) Run(p *process, log logConfig) error {
	var legacy *pushnode.Legacy
	for {
		next, err := c.live(p, log, legacy)
		switch {
		case next == nil:
			return err
		case p.ctx.Err() != nil:
			return errors.Join(errHeld, err)
		case err != nil:
			log.logger(p.stderr).Error("this node cannot begin anew, trying again", "err", err)
			sleep(p.ctx, beginAgain)
		}
		legacy = next
	}
}

// beginAgain is how long after a failure it is tried again to begin a life that inherits something, or whether it could begin.
const beginAgain = time.Second

// errHeld is what a process ends with that is told to end between two lives.
var errHeld = errors.New("what this node held of another cluster is lost: it could not begin anew")

// live is the life of a node: open, build, start, serve, drain, stop. It returns what the next life inherits, also where this one could
// not begin; nil: there is to be none.
func (c serveCommand) live(p *process, log logConfig, legacy *pushnode.Legacy) (next *pushnode.Legacy, err error) {
	logger := log.logger(p.stderr)
	registry := newRegistry()

	ports, err := c.openPorts(logger)
	if err != nil {
		return legacy, err
	}
	defer ports.close()
	store, closeStore, err := c.openClaimed(p.ctx, logger)
	if err != nil {
		return legacy, err
	}
	defer closeStore()
	url := c.publicURL(ports.public.Addr().(*net.TCPAddr))

	// Each stands on those above it, and is stopped before them.
	running := newServices()
	var ready readiness
	if ports.admin != nil {
		running.start("operator's port", newAdminPort(ports.admin, registry, &ready, logger).Run)
	}
	place, err := c.findPlace(p.ctx, store, legacy, registry, running, logger)
	if p.ctx.Err() != nil {
		return legacy, errors.Join(place.close(), running.stop()) // told to end before it had begun, as it may be at any time
	}
	if err != nil {
		return legacy, errors.Join(err, running.stop())
	}
	parts, err := c.build(p.ctx, store, place, url, registry, logger, log.letters(p.stderr))
	if err != nil {
		return legacy, errors.Join(err, place.close(), running.stop())
	}
	ready.node.Store(parts.node)
	parts.start(running, ports.public)
	running.start("reporter", (&reporter{
		store: store, node: parts.node, instance: fmt.Sprintf("%016x", place.instance), name: c.nodeName(), started: time.Now(), logger: logger,
	}).run)
	fmt.Fprintf(p.stdout, "Halley is ready: %s\n", url)
	return c.serve(p.ctx, parts.node, store, running, logger)
}

// start starts the parts of a node, each before those that stand on it.
func (p *parts) start(running *services, public *net.TCPListener) {
	running.start("collector", runCollector)
	running.start("directory", p.directory.Run)
	running.start("meter", p.meter.Run)
	running.start("webhook log", p.webhooks.Run)
	running.start("node", p.node.Run)
	running.start("console", p.runConsole)
	running.start("certificate", p.certificate.run)
	running.start("public port", func(ctx context.Context) error { return p.edge.Run(ctx, public) })
}

// serve waits until the node is to end, or to go over to another cluster, and stops it. It returns what it held in the second case.
func (c serveCommand) serve(
	ctx context.Context, node *pushnode.Node, store *tenant.Store, running *services, logger *slog.Logger,
) (next *pushnode.Legacy, err error) {
	failure := running.wait(ctx, node.Yields())
	if failure == nil {
		awaitDatabase(ctx, store, logger) // the next life needs it: until then this one serves
	}
	c.drain(node, logger)
	stopped := running.stop()
	if failure != nil || ctx.Err() != nil {
		return nil, errors.Join(failure, stopped)
	}
	if stopped != nil { // a request that was cut is no reason to lose what is held
		logger.Error("not all ended as it should before this node begins anew", "err", stopped)
	}
	return node.Legacy(), nil
}

// awaitDatabase waits until the database answers, or ctx ends.
func awaitDatabase(ctx context.Context, store *tenant.Store, logger *slog.Logger) {
	for ctx.Err() == nil {
		_, _, err := store.Identity(ctx)
		if err == nil {
			return
		}
		logger.Warn("waiting for the database before this node begins anew", "err", err)
		sleep(ctx, beginAgain)
	}
}

// parts is what a node consists of, in the order in which one is built on the other.
type parts struct {
	directory   *tenant.Directory
	meter       *tenant.Meter
	webhooks    *tenant.WebhookLog
	node        *pushnode.Node
	certificate certificate
	desk        *desk
	console     *console.Server
	edge        *edge.Server
}

// build makes the parts. What a wrong setting can spoil comes first: node and console have goroutines from the start.
func (c serveCommand) build(
	ctx context.Context, store *tenant.Store, place place, url string, registry *prometheus.Registry, logger, letters *slog.Logger,
) (*parts, error) {
	certificate, err := c.certificate(logger, registry)
	if err != nil {
		return nil, err
	}
	mailer, err := c.mailer(letters)
	if err != nil {
		return nil, err
	}
	directory, err := tenant.OpenDirectory(ctx, store, logger)
	if err != nil {
		return nil, err
	}
	meter := tenant.NewMeter(store, directory, place.instance, logger)
	ring, err := keyring(ctx, store)
	if err != nil {
		return nil, err
	}
	signer := auth.NewSigner(ring)
	webhooks, sender := tenant.NewWebhookLog(store, directory, logger), webhook.NewSender(c.dialPolicy())
	node, err := pushnode.New(pushnode.Config{
		Instance:   place.instance,
		Cluster:    place.cluster,
		Peering:    place.peering,
		Directory:  directory,
		Limiter:    tenant.NewLimiter(meter),
		Meter:      meter,
		Verifier:   c.verifier(directory, ring, logger),
		Signer:     signer,
		Session:    session.Config{Origin: originOf(url), Compression: c.WebSocketCompression, Logger: logger, Registerer: registry},
		Logger:     logger,
		Registerer: registry,
		Legacy:     place.legacy,
		Pressure:   c.pressure(logger),
		Webhooks:   webhooks,
		Post:       sender.Send,
	})
	if err != nil {
		return nil, err
	}
	desk := &desk{node: node, directory: directory, signer: signer}
	pages, err := console.New(console.Config{
		Store: store, Publisher: desk, History: desk, Tokens: desk, Webhooks: sender, Mailer: mailer, Dial: c.dialPolicy(),
		PublicURL: url, SignUp: console.SignUpMode(c.Signup), ConfirmMail: c.ConfirmMail, Logger: logger, Registerer: registry,
	})
	if err != nil {
		return nil, err
	}
	server, err := edge.New(c.edgeConfig(certificate, url, node.Quick(), logger, registry), publicHandler(node, pages, ring))
	if err != nil {
		pages.Close()
		return nil, err
	}
	return &parts{
		directory: directory, meter: meter, webhooks: webhooks, node: node, certificate: certificate, desk: desk, console: pages, edge: server,
	}, nil
}

// keyring holds the installation's signing keys, which are made on the first start.
func keyring(ctx context.Context, store *tenant.Store) (*auth.Keyring, error) {
	keys, err := store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	return auth.NewKeyring("", keys...)
}

// dialPolicy says which addresses customers may have the node call.
func (c egressConfig) dialPolicy() auth.DialPolicy {
	return auth.DialPolicy{Allowed: c.AllowPrivateCIDRs}
}

// verifier asks the directory for keys, and customers' own URLs for theirs.
func (c serveCommand) verifier(directory *tenant.Directory, ring *auth.Keyring, logger *slog.Logger) *auth.Verifier {
	return auth.NewVerifier(auth.VerifierConfig{
		Keys: directory, TokenKeys: directory, Keyring: ring,
		KeySets: auth.NewKeySets(c.dialPolicy(), logger),
	})
}

// runConsole keeps the console until ctx ends.
func (p *parts) runConsole(ctx context.Context) error {
	<-ctx.Done()
	p.console.Close()
	return nil
}

// drain tells clients to go and waits for them, while everything still runs.
func (c serveCommand) drain(node *pushnode.Node, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), c.DrainTimeout)
	defer cancel()
	begin := time.Now()
	if err := node.Drain(ctx); err != nil {
		logger.Warn("clients are still connected, cutting them off", "seconds", time.Since(begin).Seconds(), "err", err)
	}
}
