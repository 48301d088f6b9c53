package link

import (
	"testing"
	"time"
)

func TestClockTakesTheShortestRoundTrip(t *testing.T) {
	wall := time.Unix(1000, 0)
	var c clock
	for _, m := range []struct{ roundTrip, ahead time.Duration }{
		{40 * time.Millisecond, 5 * time.Second}, {2 * time.Millisecond, 3 * time.Second}, {90 * time.Millisecond, 9 * time.Second},
	} {
		sent := 10 * time.Second
		answer := pong(ping(sent), wall.Add(m.roundTrip/2+m.ahead))
		s, ok := measure(answer, sent+m.roundTrip, wall.Add(m.roundTrip))
		if !ok || s.offset != m.ahead || s.roundTrip != m.roundTrip {
			t.Fatalf("measured %+v, want %+v", s, m)
		}
		c.add(s)
	}
	if offset, roundTrip, ok := c.best(); !ok || offset != 3*time.Second || roundTrip != 2*time.Millisecond {
		t.Errorf("best is %v in %v", offset, roundTrip)
	}
	for range samples {
		c.add(sample{offset: time.Second, roundTrip: time.Second})
	}
	if offset, _, _ := c.best(); offset != time.Second {
		t.Errorf("an old measurement stays: %v", offset)
	}
}

func TestMeasureRefusesNonsense(t *testing.T) {
	for name, answer := range map[string][]byte{
		"empty": nil, "short": make([]byte, pongBytes-1), "to a ping of the future": pong(ping(time.Hour), time.Now()),
		"to no ping": pong(nil, time.Now()), "before the beginning": pong(ping(-time.Hour), time.Now()),
	} {
		if s, ok := measure(answer, time.Minute, time.Now()); ok {
			t.Errorf("%s: measured %+v", name, s)
		}
	}
}
