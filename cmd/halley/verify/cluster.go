package verify

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"halley/cmd/halley/child"
)

// Cluster is nodes that the run has started itself, and can hurt.
type Cluster struct {
	Target *Target

	binary  string
	store   []string // flags of admin commands
	folder  string
	network network
	nodes   []*node
	app     string
	secret  rotation
}

// network is how the nodes of a cluster reach each other, and how that is cut.
type network interface {
	// site gives a node its addresses.
	site(index int) (site, error)
	// command prepares a process of a node.
	command(index int, binary string, arguments ...string) *exec.Cmd
	// cut lets nothing through from one node to another; heal undoes all cuts.
	cut(from, to int) error
	// impair makes what a node sends and receives slow and unreliable, until heal.
	impair(index int) error
	// narrow lets only narrowBytes a second through to and from a node, until heal.
	narrow(index int) error
	heal() error
	close() error
	// started tells which process a node is now, 0 for none.
	started(index, pid int)
}

// Settings of a cluster of the run's own.
type Settings struct {
	Binary     string // of halley
	Other      string // of another version, which a node is after each other start; empty: none
	Nodes      int
	Database   string // postgres://…; empty: one node on an embedded database
	Folder     string // for data and logs
	Namespaces bool   // each node in a network namespace of its own; else partitions are made by proxies
	History    int    // messages that channels remember
}

// startCluster founds a cluster, and makes an app in it.
func startCluster(ctx context.Context, s Settings) (_ *Cluster, err error) {
	c := &Cluster{binary: s.Binary, folder: s.Folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.network, err = newNetwork(s); err != nil {
		return nil, err
	}
	c.secret = newRotation(filepath.Join(s.Folder, "secret"))
	if err := c.secret.write(); err != nil {
		return nil, err
	}
	var urls []string
	for i := range s.Nodes {
		n, err := c.prepare(i, s, c.secret.file)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
		urls = append(urls, n.url())
	}
	if c.Target, err = NewTarget(urls, ""); err != nil {
		return nil, err
	}
	// The first one founds the cluster; the others are given it and join.
	for _, n := range c.nodes {
		if err := c.start(n, c.nodes[:n.index]); err != nil {
			return nil, err
		}
		if n.index == 0 {
			if err := n.awaitReady(ctx, c.Target); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range c.nodes {
		if err := n.awaitReady(ctx, c.Target); err != nil {
			return nil, err
		}
	}
	return c, c.makeApp(ctx, s.History)
}

// prepare says how a node is started.
func (c *Cluster) prepare(index int, s Settings, secret string) (*node, error) {
	place, err := c.network.site(index)
	if err != nil {
		return nil, err
	}
	n := &node{index: index, name: fmt.Sprintf("n%d", index+1), site: place, folder: s.Folder}
	n.command = func(arguments ...string) *exec.Cmd {
		cmd := c.network.command(index, n.binary(s), arguments...)
		cmd.Dir = s.Folder
		cmd.Env = child.Environment()
		return cmd
	}
	data := filepath.Join(s.Folder, n.name)
	n.flags = []string{"--listen", place.public, "--admin-listen", "off", "--data-dir", data, "--log-level", "info"}
	if s.Database == "" {
		c.store = []string{"--data-dir", data}
		return n, nil
	}
	c.store = []string{"--database", s.Database, "--data-dir", data, "--cluster-secret-file", secret}
	n.flags = append(n.flags, "--database", s.Database, "--node-name", n.name, "--cluster-secret-file", secret,
		"--cluster-listen", place.gossip, "--cluster-advertise", place.advertise)
	return n, nil
}

// start starts a node that is given the others.
func (c *Cluster) start(n *node, others []*node) error {
	var join []string
	for _, other := range others {
		if other != n {
			join = append(join, other.site.advertise)
		}
	}
	if err := n.start(join...); err != nil {
		return err
	}
	c.network.started(n.index, n.process.Process.Pid)
	return nil
}

// makeApp makes an app whose limits do not stand in the way of the run, and whose channels remember what followers may miss.
func (c *Cluster) makeApp(ctx context.Context, remember int) error {
	var made struct {
		AppID     string `json:"app_id"`
		SecretKey string `json:"secret_key"`
	}
	answer, err := c.admin(ctx, "create-app", "--account", "verify", "--app", "verify", "--email", "verify@example.com",
		"--limit", "publishes_per_second=100000", "--limit", "api_requests_per_second=100000", "--limit", "connections=100000",
		"--limit", "history_messages=10000", "--limit", "channels=100000")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return fmt.Errorf("create-app: %w", err)
	}
	if _, err := c.admin(ctx, "set-rule", "--app", made.AppID, "--prefix", "", "--history", fmt.Sprint(remember), "--ttl", "1h"); err != nil {
		return err
	}
	c.app, c.Target.Key = made.AppID, made.SecretKey
	// The nodes know the key and the rule two seconds later at the latest.
	sleep(ctx, directoryDelay)
	return nil
}

// admin runs halley admin on the cluster's database.
func (c *Cluster) admin(ctx context.Context, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.binary, append(append([]string{"admin"}, arguments...), c.store...)...)
	cmd.Env, cmd.Dir = child.Environment(), c.folder
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("halley admin %s: %w: %s", arguments[0], err, stderr.String())
	}
	return answer, nil
}

// close ends everything that was started.
func (c *Cluster) close() error {
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.kill())
	}
	if c.Target != nil {
		c.Target.Close()
	}
	if c.network != nil {
		errs = append(errs, c.network.close())
	}
	return errors.Join(errs...)
}
