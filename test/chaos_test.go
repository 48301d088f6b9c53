package test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"halley/test/postgres"
)

// Each fault by itself, so that a failure names it: every promise is kept, with the nodes in network namespaces where root and nft are
// there, else behind relays.
func TestChaosKill(t *testing.T) {
	got := hurt(t, 16*time.Second, "--faults", "kill,restart", "--every", "1s")
	got.wantFaults(t, "kill", "restart")
}

func TestChaosPauseAndPartition(t *testing.T) {
	got := hurt(t, 30*time.Second, "--faults", "pause,partition", "--every", "1s")
	got.wantFaults(t, "pause", "isolate")
}

// The way between nodes is cut by relays: what machines without root do.
func TestChaosBehindRelays(t *testing.T) {
	got := hurt(t, 24*time.Second, "--faults", "partition,slow,starve,narrow", "--every", "1s", "--network", "relays")
	got.wantFaults(t, "isolate", "slow", "starve")
}

// Postgres is off the way of a message, also while a node that is cut off comes back.
func TestChaosWithoutPostgres(t *testing.T) {
	server := postgres.Start(t)
	run := startVerify(t, server.URL(), 25*time.Second, "--faults", "pause,partition", "--every", "1s")
	run.awaitLine("acknowledged") // traffic flows
	server.Stop()
	select {
	case <-run.ended: // early: the result tells why
	case <-time.After(20 * time.Second):
	}
	server.Restart()
	run.result().wantFaults(t, "pause")
}

// Who interrupts a run is left with nothing: not one of the processes that it started.
func TestChaosInterrupted(t *testing.T) {
	run := startVerify(t, postgres.URL(t), time.Minute, "--faults", "pause")
	run.awaitLine("acknowledged")
	if len(run.processes()) < 3 {
		t.Errorf("three nodes are %d processes", len(run.processes()))
	}
	if err := run.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-run.ended
	if exit, ok := errors.AsType[*exec.ExitError](run.err); !ok || exit.ExitCode() != 1 {
		t.Errorf("interrupted, it ends with %v", run.err)
	}
	if left := run.processes(); len(left) > 0 {
		t.Errorf("it leaves %q", left)
	}
}

// A run that finds nothing proves something only if it would find what is wrong.
func TestChaosSelfCheck(t *testing.T) {
	cmd := plainCommand(t, "verify", "--self-check")
	output, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(output), ": as it must be") < 10 {
		t.Errorf("verify --self-check: %v\n%s", err, output)
	}
}

// Two nodes that do not know of each other, behind one balancer, are no cluster: each gives the same positions to other messages. That
// is found, and the exit code says so.
func TestChaosVerdictIsInTheExitCode(t *testing.T) {
	store := []string{"--database", postgres.URL(t), "--data-dir", t.TempDir()}
	one := startNodeOn(t, store)
	chat := one.createApp("acme", "chat")
	other := startNodeOn(t, store)
	cmd := plainCommand(t, "verify", "--duration", "2s", "--channels", "2", "--members", "0", "--patience", "2s", "--copies", "1",
		"--url", one.url+","+other.url)
	cmd.Env = append(cmd.Env, "HALLEY_KEY="+chat.SecretKey)
	output, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(string(output), "BROKEN PROMISES") {
		t.Errorf("no promise is broken: %v\n%s", err, output)
	}
}
