package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"halley/cmd/halley/verify"
	"halley/cmd/halley/verify/history"
)

type verifyCommand struct {
	URL     []string `placeholder:"URL" env:"HALLEY_VERIFY_URL" group:"A cluster that runs:" help:"Nodes of a cluster that runs already: it is loaded and watched, and not hurt. Default: none, nodes are started."`
	KeyFile string   `placeholder:"FILE" env:"HALLEY_KEY_FILE" group:"A cluster that runs:" help:"File that holds a secret key of an app that may be used. The environment variable HALLEY_KEY may hold it instead."`

	Nodes    int           `default:"3" placeholder:"N" group:"A cluster of its own:" help:"How many nodes to start. Default: ${default}."`
	Database string        `placeholder:"URL" env:"HALLEY_VERIFY_DATABASE" group:"A cluster of its own:" help:"An empty Postgres database for the nodes: postgres://… Needed for more than one node."`
	Faults   []string      `default:"kill,pause,drain,partition" placeholder:"KIND" group:"A cluster of its own:" help:"What is done to the nodes, in turn: kill, restart, pause, drain, partition, slow, starve, narrow, rotate, kill-amid-drain; what may lose messages, and must say so: twice, kill-amid-join, pair, all; or none. Default: kill, pause, drain, partition."`
	Every    time.Duration `default:"10s" group:"A cluster of its own:" help:"From one fault to the next, at least. Default: ${default}."`
	Network  string        `enum:"auto,namespaces,relays" default:"auto" group:"A cluster of its own:" help:"How nodes are cut off from each other: each in a network namespace (namespaces: Linux, root, nft, and a database on a socket), or by relays between them. Default: ${default}."`
	Other    string        `placeholder:"FILE" group:"A cluster of its own:" help:"A halley of another version: each node is started as this one and as that one in turn, so that both run side by side. Default: none."`
	Keep     string        `placeholder:"DIR" group:"A cluster of its own:" help:"Folder for the nodes' logs, which stay there. Default: a temporary one, which is kept if a promise was broken."`

	Duration   time.Duration `default:"1m" group:"Load:" help:"How long to publish. Default: ${default}."`
	Channels   int           `default:"10" placeholder:"N" group:"Load:" help:"Channels to publish to. Default: ${default}."`
	Publishers int           `default:"2" placeholder:"N" group:"Load:" help:"Publishers of each channel. Default: ${default}."`
	Interval   time.Duration `default:"100ms" group:"Load:" help:"Between two publishes of one publisher. Default: ${default}."`
	Followers  int           `default:"20" placeholder:"N" group:"Load:" help:"Subscribers, spread over all transports. Default: ${default}."`
	Copies     int           `default:"0" placeholder:"N" group:"Load:" help:"How many nodes must have what is acknowledged; 0: as many as have it when the cluster has settled. Default: ${default}."`
	Ballast    int           `default:"0" placeholder:"MB" group:"Load:" help:"Megabytes to publish beforehand, at most 2000: copies of slots then take time to move. Default: ${default}."`
	Patience   time.Duration `default:"30s" group:"Load:" help:"How long a message may take to be acknowledged, over all tries, and at the end everything to arrive. Default: ${default}."`
	Members    int           `default:"4" placeholder:"N" group:"Load:" help:"Sessions that enter presence. Default: ${default}."`

	JSON      bool   `name:"json" group:"Output:" help:"Print the result as JSON."`
	History   string `placeholder:"FILE" group:"Output:" help:"Write all that clients saw to a file, one JSON object a line."`
	SelfCheck bool   `help:"Have a proxy lie in each way that matters, and find every lie."`
}

// Help is the long text of --help.
func (verifyCommand) Help() string {
	return `Publishes, subscribes over every transport, reconnects, and enters and leaves presence, while nodes are killed, paused, drained
and cut off from each other; then checks that what was acknowledged came to everybody once and in order, or that a gap was told. Prints
what was measured and each broken promise. The exit code is 0 only if every promise was kept.

For example

    halley verify --database postgres://localhost/verify --faults kill,pause --duration 5m
    HALLEY_KEY=hl_sk_… halley verify --url https://a.example.com,https://b.example.com`
}

// Validate refuses what cannot be run.
func (c verifyCommand) Validate() error {
	kinds, err := verify.ParseFaults(c.Faults)
	switch {
	case err != nil:
		return fmt.Errorf("--faults: %w", err)
	case c.Nodes < 1 || c.Nodes > 9:
		return errors.New("--nodes: want 1 to 9")
	case c.Channels < 1 || c.Publishers < 1 || c.Followers < 1 || c.Members < 0 || c.Copies < 0:
		return errors.New("--channels, --publishers and --followers must be positive, --members and --copies not negative")
	case c.Ballast < 0 || c.Ballast > 2000:
		return errors.New("--ballast: want 0 to 2000")
	case c.Duration <= 0 || c.Interval <= 0 || c.Patience <= 0 || c.Every < 0:
		return errors.New("--duration, --interval and --patience must be positive")
	case len(c.URL) > 0 || c.SelfCheck:
		return nil
	case c.Nodes > 1 && c.Database == "":
		return errors.New("--database: several nodes need an empty Postgres database")
	case c.Nodes == 1 && len(kinds) > 0:
		return errors.New("--nodes 1 survives no fault: add --faults none")
	}
	return nil
}

// errBroken is that the cluster has not kept its promises; what they are is printed by then.
var errBroken = errors.New("promises were broken")

// Run verifies and prints.
func (c verifyCommand) Run(p *process) error {
	if c.SelfCheck {
		return c.selfCheck(p)
	}
	if c.isolates() && !verify.Isolated() {
		return isolated(verify.Isolate(p.ctx))
	}
	result, events, err := c.verify(p)
	if err != nil {
		return err
	}
	if err := c.print(p.stdout, result, events); err != nil {
		return err
	}
	if !result.Sound() {
		return errBroken
	}
	return nil
}

// isolates reports whether the nodes are to be in network namespaces.
func (c verifyCommand) isolates() bool {
	switch {
	case len(c.URL) > 0 || c.Database == "" || c.Network == "relays":
		return false
	case c.Network == "namespaces":
		return true
	}
	// A namespace has no way to a database's port, but to its socket.
	return (strings.Contains(c.Database, "host=/") || strings.Contains(c.Database, "host=%2F")) && verify.CanIsolate()
}

// isolated is how the run inside has ended; it has said why.
func isolated(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitError(exit.ExitCode())
	}
	return err
}

func (c verifyCommand) verify(p *process) (*history.Result, []history.Event, error) {
	kinds, err := verify.ParseFaults(c.Faults)
	if err != nil {
		return nil, nil, err
	}
	options := verify.Options{
		Load: c.load(), Duration: c.Duration, Faults: kinds, Every: c.Every, Progress: p.stderr, Copies: c.Copies,
	}
	if len(c.URL) > 0 {
		options.Faults = nil
		key, err := clientConfig{KeyFile: c.KeyFile}.credential()
		if err != nil {
			return nil, nil, err
		}
		target, err := verify.NewTarget(c.URL, key.Reveal())
		if err != nil {
			return nil, nil, usageError{err}
		}
		defer target.Close()
		return verify.Run(p.ctx, target, options)
	}
	return c.verifyOwn(p.ctx, p.stderr, options)
}

// verifyOwn starts a cluster in a folder, which stays if it is worth a look.
func (c verifyCommand) verifyOwn(ctx context.Context, stderr io.Writer, o verify.Options) (*history.Result, []history.Event, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	folder := c.Keep
	if folder == "" {
		if folder, err = os.MkdirTemp("", "halley-verify-"); err != nil {
			return nil, nil, err
		}
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, nil, err
	}
	result, events, err := verify.RunOwn(ctx, verify.Settings{
		Binary: binary, Other: c.Other, Nodes: c.Nodes, Database: c.Database, Folder: folder, Namespaces: c.isolates(), History: remembered,
	}, o)
	if err == nil && result.Sound() && c.Keep == "" {
		return result, events, os.RemoveAll(folder)
	}
	fmt.Fprintf(stderr, "the nodes' logs are in %s\n", folder)
	return result, events, err
}

// remembered is for how many messages a follower may be away from its channel, in clusters of the run's own.
const remembered = 10_000

func (c verifyCommand) load() verify.Load {
	load := verify.DefaultLoad()
	load.Channels, load.Publishers, load.Every = c.Channels, c.Publishers, c.Interval
	load.Followers, load.Members, load.Patience, load.Ballast = c.Followers, c.Members, c.Patience, c.Ballast
	return load
}

// print writes the result, and the history if that is wanted.
func (c verifyCommand) print(w io.Writer, result *history.Result, events []history.Event) error {
	write := verify.Write
	if c.JSON {
		write = verify.WriteJSON
	}
	if err := write(w, result); err != nil || c.History == "" {
		return err
	}
	file, err := os.Create(c.History)
	if err != nil {
		return err
	}
	return errors.Join(verify.WriteHistory(file, events), file.Close())
}

// selfCheck has lies told, and prints which were found.
func (c verifyCommand) selfCheck(p *process) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "halley-verify-")
	if err != nil {
		return err
	}
	return errors.Join(verify.SelfCheck(p.ctx, binary, folder, p.stdout), os.RemoveAll(folder))
}
