package session

import (
	"testing"
	"time"
)

// Clients of a node that is drained come back spread over time, however many there are, and soon where they are few.
func TestComeBack(t *testing.T) {
	t.Parallel()
	s := &Server{config: Config{}.withDefaults()}
	const clients = 100_000
	last := 0
	for i := range clients {
		if s.comeBack(i, clients) > s.config.DrainSpread-100*time.Millisecond {
			last++
		}
	}
	if last > clients/100 {
		t.Errorf("%d of %d clients are told to come back in the last tenth of a second", last, clients)
	}
	if got := s.comeBack(9, 10); got != 20*time.Millisecond {
		t.Errorf("the last of ten clients comes back after %v, want 20ms", got)
	}
}
