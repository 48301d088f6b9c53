package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode"
	"halley/pushnode/cluster"
	"halley/pushnode/cluster/trust"
	"halley/tenant"
)

// clusterConfig says whether this node is one of several, and how it finds the others.
type clusterConfig struct {
	Join             []string `placeholder:"PEER" env:"HALLEY_JOIN" help:"Any nodes of the cluster, as host or host:port, or one DNS name of them all. A node that is given a peer never begins a cluster without it. Default: none."`
	ClusterListen    string   `placeholder:"ADDRESS" env:"HALLEY_CLUSTER_LISTEN" help:"Where gossip listens (TCP and UDP); links between nodes listen on the next port. Default: none, :7946 with --join."`
	ClusterAdvertise string   `placeholder:"ADDRESS" env:"HALLEY_CLUSTER_ADVERTISE" help:"Where the other nodes reach --cluster-listen: address and port. Default: this machine's first private address."`
	NodeName         string   `placeholder:"NAME" env:"HALLEY_NODE_NAME" help:"Name of this node, the same after a restart. Default: the host's name."`
	TwoNodes         string   `enum:"available,strict" default:"available" env:"HALLEY_TWO_NODES" help:"What a node of two does when the other is gone: available (it goes on alone; if both do, because only the network was cut, what both took in is merged later) or strict (it waits for proof that the other has ended). Default: ${default}."`
	Zone             string   `placeholder:"ZONE" env:"HALLEY_ZONE" help:"Where the node stands: the copies of a slot are kept in different zones where there are enough. Default: none."`
}

// clustered reports whether the node is one of several.
func (c clusterConfig) clustered() bool { return len(c.Join) > 0 || c.ClusterListen != "" }

func (c clusterConfig) validate(database string) error {
	switch {
	case !c.clustered():
		return nil
	case database == "":
		return errors.New("a cluster needs Postgres: the embedded database is one node's alone; give all nodes the same --database")
	case c.ClusterListen != "" && validAddress(c.ClusterListen) != nil:
		return fmt.Errorf("--cluster-listen: %w", validAddress(c.ClusterListen))
	}
	if c.ClusterAdvertise != "" {
		if _, err := netip.ParseAddrPort(c.ClusterAdvertise); err != nil {
			return fmt.Errorf("--cluster-advertise: want an IP address and a port: %w", err)
		}
	}
	return nil
}

// nodeName is the name that the node keeps over restarts. Where neither the operator nor the host gives one, it is "halley".
func (c clusterConfig) nodeName() string {
	if c.NodeName != "" {
		return c.NodeName
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "halley"
}

// gossipAddress is where gossip listens. Without a secret that is loopback, the only place where it may.
func (c serveCommand) gossipAddress() (netip.AddrPort, error) {
	text := c.ClusterListen
	switch {
	case text == "" && c.ClusterSecretFile == "":
		text = "127.0.0.1:" + strconv.Itoa(cluster.DefaultPort)
	case text == "":
		text = ":" + strconv.Itoa(cluster.DefaultPort)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("--cluster-listen: %w", err)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	address, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("--cluster-listen: want an IP address and a port: %w", err)
	}
	return address, nil
}

// membership is this node's place among the others, before it holds anything.
type membership struct {
	members  *cluster.Cluster
	links    net.Listener
	identity *trust.Identity
	label    string
	logger   *slog.Logger
}

// membership makes what the node needs to be one of several; nil where it is alone.
func (c serveCommand) membership(
	ctx context.Context, store *tenant.Store, instance uint64, registry prometheus.Registerer, logger *slog.Logger,
) (*membership, error) {
	if !c.clustered() {
		return nil, nil
	}
	config, identity, err := c.memberConfig(instance)
	if err != nil {
		return nil, err
	}
	system, database, err := store.Identity(ctx)
	if err != nil {
		return nil, err
	}
	config.Label = cluster.Label(system, database)
	config.Logger, config.Registerer = logger, registry
	links, err := c.listenLinks(&config)
	if err != nil {
		return nil, err
	}
	members, err := cluster.New(config)
	if err != nil {
		return nil, errors.Join(err, links.Close())
	}
	return &membership{members: members, links: links, identity: identity, label: config.Label, logger: logger}, nil
}

func (c serveCommand) memberConfig(instance uint64) (config cluster.Config, identity *trust.Identity, err error) {
	config = cluster.Config{Name: c.nodeName(), Instance: instance, Seeds: c.Join, Zone: c.Zone}
	if config.Bind, err = c.gossipAddress(); err != nil {
		return config, nil, err
	}
	if c.ClusterAdvertise != "" {
		config.Advertise = netip.MustParseAddrPort(c.ClusterAdvertise) // validated
	}
	secrets, given, err := c.clusterSecrets()
	if err != nil || !given {
		return config, nil, err
	}
	keys, err := secrets.GossipKeys()
	if err != nil {
		return config, nil, fmt.Errorf("--cluster-secret-file: %w", err)
	}
	config.Key = (*[32]byte)(keys[0])
	for _, other := range keys[1:] {
		config.OtherKeys = append(config.OtherKeys, [32]byte(other))
	}
	identity, err = secrets.Identity(instance)
	return config, identity, err
}

// listenLinks opens the port of the links: the one after gossip's, or any where gossip has any.
func (c clusterConfig) listenLinks(config *cluster.Config) (net.Listener, error) {
	port := uint16(0)
	if config.Bind.Port() != 0 {
		port = config.Bind.Port() + 1
	}
	listener, err := listen("port after --cluster-listen", netip.AddrPortFrom(config.Bind.Addr(), port).String())
	if err != nil {
		return nil, err
	}
	if port == 0 {
		config.Links = listener.Addr().(*net.TCPAddr).AddrPort()
	}
	return listener, nil
}

// leaveTime bounds how long a node takes to tell the others that it goes.
const leaveTime = 5 * time.Second

// run keeps the membership until ctx ends, and then tells the others that this instance will not come back.
func (m *membership) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	services := newServices()
	services.start("gossip", func(context.Context) error {
		ended <- m.members.Run(running)
		return nil
	})
	select {
	case err := <-ended:
		return errors.Join(err, services.stop())
	case <-ctx.Done():
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := m.members.Leave(leaving); err != nil { // the others find out for themselves
		m.logger.Warn("not all were told that this node leaves", "err", err)
	}
	stop()
	return services.stop()
}

// place is which process of which cluster this is.
type place struct {
	instance uint64            // of this process: random at each start, so that it never counts as one that was before
	cluster  uint64            // every message carries it, in eight characters
	peering  *pushnode.Peering // nil: there are no other nodes
	legacy   *pushnode.Legacy  // of this process's life in another cluster; nil: there was none
}

// close lets go of what no node has taken over.
func (p place) close() error {
	if p.peering == nil {
		return nil
	}
	return p.peering.Listener.Close()
}

// findPlace founds a cluster of one, or waits until this node knows which cluster it belongs to.
func (c serveCommand) findPlace(
	ctx context.Context, store *tenant.Store, legacy *pushnode.Legacy, registry prometheus.Registerer, running *services, logger *slog.Logger,
) (place, error) {
	found := place{instance: pushnode.NewInstance(), cluster: rand.Uint64N(1 << 40), legacy: legacy}
	if legacy != nil {
		c.Join = slices.Concat(c.Join, legacy.Peers)
	}
	joining, err := c.membership(ctx, store, found.instance, registry, logger)
	if err != nil || joining == nil {
		return found, err
	}
	running.start("membership", joining.run)
	var founder bool
	if found.cluster, founder, err = joining.members.Await(ctx); err != nil {
		return found, errors.Join(err, joining.links.Close())
	}
	found.peering = &pushnode.Peering{
		Members: joining.members, Listener: joining.links, Identity: joining.identity, Label: joining.label, Founder: founder,
		StrictTwo: c.TwoNodes == "strict",
	}
	return found, nil
}
