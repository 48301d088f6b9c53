package test

import (
	"testing"
	"time"

	"halley/test/postgres"
)

// lossPauseBound is for how long (seconds) a channel may get no acknowledgement where most of its copies are gone: until the nodes are
// back, six seconds later at most, and what is left has been recovered.
const lossPauseBound = 25.0

// Where most copies of a slot go within seconds, what was acknowledged may be lost: then a gap says so, and never silence.
func TestChaosSecondKill(t *testing.T) {
	t.Parallel()
	run := startVerify(t, postgres.URL(t), 18*time.Second, "--faults", "all,twice", "--every", "1s")
	run.pauses = lossPauseBound
	run.result().wantFaults(t, "all", "twice")
}

// The copies of a node that returns are of some size, and are on their way when the node that sends them is killed.
func TestChaosKillAmidJoin(t *testing.T) {
	t.Parallel()
	run := startVerify(t, postgres.URL(t), 10*time.Second, "--faults", "kill-amid-join", "--ballast", "64", "--every", "1s")
	run.pauses = lossPauseBound
	run.result().wantFaults(t, "kill-amid-join")
}

// A drain and a kill at once take two of three nodes, and nothing that was acknowledged: who drains goes when nobody counts on it.
func TestChaosKillAmidDrain(t *testing.T) {
	t.Parallel()
	hurt(t, 10*time.Second, "--faults", "kill-amid-drain", "--every", "1s").wantFaults(t, "kill-amid-drain")
}

// Two of five nodes are two of three copies of some slots: those of the others go on.
func TestChaosTwoOfFive(t *testing.T) {
	t.Parallel()
	run := startVerify(t, postgres.URL(t), 8*time.Second, "--nodes", "5", "--faults", "pair", "--every", "1s")
	run.pauses = lossPauseBound
	run.result().wantFaults(t, "pair")
}
