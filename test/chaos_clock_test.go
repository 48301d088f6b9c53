//go:build chaos

package test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Wall clocks jump: an hour ahead when a process is 10 s old, and to an hour behind when it is 25 s old. No order and no promise rests on
// them. The clock is the standard library's, built with a change, which takes minutes: this test is one of make chaos,
// which sets the tag.
func TestChaosClockJumps(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	jumping, err := buildChanged("halley-jumping", change{
		file: filepath.Join(strings.TrimSpace(string(root)), "src/time/time.go"),
		from: "	mono -= startNano\n	sec += unixToInternal - minWall\n",
		to: "	mono -= startNano\n	if mono > 25e9 {\n		sec -= 3600\n	} else if mono > 10e9 {\n		sec += 3600\n	}\n" +
			"	sec += unixToInternal - minWall\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	hurt(t, time.Minute, "--faults", "kill,drain,restart", "--every", "12s", "--other", jumping).wantFaults(t, "kill", "drain")
}
