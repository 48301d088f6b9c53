package test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A rolling restart is noticed by nobody: no 503, no gap, no presence event. That holds although the cluster's secret changes with it,
// and although every node becomes one of the next version, or one of this version again: it speaks this version's protocol too, and says
// more of itself.
func TestChaosRollingRestart(t *testing.T) {
	t.Parallel()
	later, err := buildChanged("halley-later",
		change{"pushnode/cluster/link/hello.go", "maxVersion = 1", "maxVersion = 2"},
		change{"pushnode/cluster/config.go", "Range{currentProtocol, currentProtocol}", "Range{currentProtocol, currentProtocol + 1}"},
		change{"pushnode/cluster/meta.go", "append(b, metaVersion, byte(m.State))", "append(b, metaVersion+1, byte(m.State))"},
		change{"pushnode/cluster/meta.go", "return append(append(b, byte(len(m.Zone))), m.Zone...)",
			"return append(append(append(b, byte(len(m.Zone))), m.Zone...), 4, 3, 2, 1)"})
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{"rotate: accept"}
	if os.Getenv(chaosVariable) != "" {
		steps = append(steps, "rotate: use", "rotate: forget") // each restarts all nodes
	}
	hurt(t, 3*time.Second, "--faults", "rotate", "--every", "1s", "--other", later).wantFaults(t, steps...)
}

// A node that does not speak this version's protocol any more is kept out, and says why; the cluster goes on.
func TestChaosVersionThatDoesNotFit(t *testing.T) {
	t.Parallel()
	foreign, err := buildChanged("halley-foreign",
		change{"pushnode/cluster/link/hello.go", "minVersion = 1", "minVersion = 2"},
		change{"pushnode/cluster/link/hello.go", "maxVersion = 1", "maxVersion = 2"},
		change{"pushnode/cluster/config.go", "Range{currentProtocol, currentProtocol}", "Range{currentProtocol + 1, currentProtocol + 1}"})
	if err != nil {
		t.Fatal(err)
	}
	store, flags := sharedStore(t)
	addresses := gossipAddresses(t, 2)
	n := startNodeOn(t, store, flags(addresses[0])...)
	stranger := newNode(t, store, append(flags(addresses[1], addresses[0]), "--log-level", "debug")...)
	cmd := prepare(t, exec.Command(foreign, stranger.flags...))
	said := &lineWriter{grown: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.After(startPatience); !strings.Contains(said.text(), "protocol"); {
		select {
		case <-said.grown:
		case <-end:
			t.Fatalf("it does not say what is wrong:\n%s", said.text())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("told to end, it ends with %v\n%s", err, said.text())
	}
	if got := n.gauge("halley_cluster_members"); got != 1 {
		t.Errorf("the cluster has %v members", got)
	}
	mustPublish(t, n, n.createApp("acme", "chat"), `{"data":"it goes on"}`)
}
