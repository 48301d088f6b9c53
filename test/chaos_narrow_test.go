//go:build chaos

package test

import (
	"testing"
	"time"
)

// The cable of one node carries 1 Mbit/s, for clients and other nodes together, or is slow and loses packets: nobody is taken for dead who
// is not, and nothing is lost. Behind relays the same is done to links alone: TestChaosBehindRelays.
func TestChaosNarrowCable(t *testing.T) {
	hurt(t, time.Minute, "--faults", "narrow,slow", "--every", "1s").wantFaults(t, "narrow", "slow")
}
