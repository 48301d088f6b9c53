package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"halley/cmd/halley/child"
)

// Times that a node may take.
const (
	readyPatience = 60 * time.Second // from a start until it takes clients
	endPatience   = 60 * time.Second // from SIGTERM until it is gone
)

// node is one node of a cluster that the run has started: one process after the other, on the same addresses.
type node struct {
	index   int
	name    string
	site    site
	flags   []string // of every start
	folder  string
	command func(arguments ...string) *exec.Cmd
	lives   int // processes that were started

	process *exec.Cmd
	exited  chan error // holds how the process ended
}

// site is where a node listens, and where others find it.
type site struct {
	public    string // host:port of the public port
	gossip    string // --cluster-listen
	advertise string // --cluster-advertise
}

// binary is what the next process of the node runs: in turn this version and the other one, if there is one.
func (n *node) binary(s Settings) string {
	if n.lives%2 == 1 && s.Other != "" {
		return s.Other
	}
	return s.Binary
}

func (n *node) url() string { return "http://" + n.site.public }

// start starts the process. Its log goes to a file, after that of the one before.
func (n *node) start(join ...string) error {
	arguments := append([]string{"serve"}, n.flags...)
	for _, peer := range join {
		arguments = append(arguments, "--join", peer)
	}
	log, err := os.OpenFile(filepath.Join(n.folder, n.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := n.command(arguments...)
	cmd.Stdout, cmd.Stderr = log, log
	child.Bind(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	exited := make(chan error, 1)
	n.process, n.exited = cmd, exited
	n.lives++
	go func() { exited <- cmd.Wait() }() // ends with the process, which end waits for
	return nil
}

// awaitReady waits until the node takes clients.
func (n *node) awaitReady(ctx context.Context, target *Target) error {
	for end := time.Now().Add(readyPatience); time.Now().Before(end); {
		if target.ready(ctx, n.url()) {
			return nil
		}
		select {
		case err := <-n.exited:
			n.exited <- err
			return fmt.Errorf("%s ended before it was ready: %w", n.name, err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s was not ready within %v", n.name, readyPatience)
}

// signal sends a signal to the process, if there is one.
func (n *node) signal(signal syscall.Signal) error {
	if n.process == nil {
		return nil
	}
	return n.process.Process.Signal(signal)
}

// kill ends the process at once.
func (n *node) kill() error {
	if n.process == nil {
		return nil
	}
	err := n.process.Process.Kill()
	n.reap()
	return err
}

// reap waits until a process that was killed is gone.
func (n *node) reap() {
	<-n.exited // says that it was killed
	n.process = nil
}

// terminate has the process drain, and returns how it ended. One that does not end is killed.
func (n *node) terminate() error {
	if err := n.signal(syscall.SIGTERM); err != nil {
		return err
	}
	return n.awaitEnd()
}

// awaitEnd waits until a process that was told to end is gone, and returns how it ended.
func (n *node) awaitEnd() error {
	select {
	case err := <-n.exited:
		n.process = nil
		return err
	case <-time.After(endPatience):
		return errors.Join(fmt.Errorf("%s did not end within %v of SIGTERM", n.name, endPatience), n.kill())
	}
}
