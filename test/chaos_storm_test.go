package test

import (
	"strings"
	"testing"
	"time"

	"halley/test/postgres"
)

// stormBound is how long (seconds) 99 in 100 of a killed node's clients may take to have all that they missed.
const stormBound = 5.0

// A third of 3,000 clients lose their node at once, and come to the two others: all are let in, and soon have what they missed.
func TestChaosReconnectStorm(t *testing.T) {
	t.Parallel()
	got := startVerify(t, postgres.URL(t), 6*time.Second, "--followers", "3000", "--channels", "20", "--publishers", "1", "--interval", "1s",
		"--faults", "kill", "--every", "4s").result()
	got.wantFaults(t, "kill")
	if p99 := got.Figures.CatchUp.P99; p99 > stormBound {
		t.Errorf("catch-up took %.1f s", p99)
	}
	for reason, count := range got.Figures.Errors {
		if strings.Contains(reason, "Unavailable") || strings.Contains(reason, "Too Many") || strings.Contains(reason, "timeout") {
			t.Errorf("%d times: %s", count, reason)
		}
	}
}
