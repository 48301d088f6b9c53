package pressure_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/pushnode/pressure"
)

func TestPace(t *testing.T) {
	t.Parallel()
	p, now := pressure.NewPace(10, time.Second, 2*time.Second), time.Unix(0, 0)
	wait := func(want time.Duration) {
		t.Helper()
		if got := p.Wait(now); got != want {
			t.Errorf("told to wait %s, want %s", got, want)
		}
	}
	for i := range 11 { // each moment up to the longest wait
		wait(time.Second + time.Duration(i)*time.Second/10)
	}
	wait(time.Second) // they are given out again
	now = now.Add(300 * time.Millisecond)
	wait(time.Second)
	wait(1100 * time.Millisecond)
	now = now.Add(time.Hour)
	wait(time.Second)
}

// TestPaceSpreads has crowds refused at any times: within any second no more come back than the crowd is larger than the moments that
// there are, and nobody waits for longer than the longest wait.
func TestPaceSpreads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const rate, least, most = 20, 2 * time.Second, 10 * time.Second
		p, now := pressure.NewPace(rate, least, most), time.Unix(0, 0)
		seconds := make(map[int64]int)
		crowd := rapid.IntRange(1, 800).Draw(t, "crowd")
		for range crowd {
			wait := p.Wait(now)
			if wait < least || wait > most {
				t.Fatalf("told to wait %s", wait)
			}
			seconds[now.Add(wait).Unix()]++
		}
		laps := (crowd + rate*int((most-least)/time.Second) - 1) / (rate * int((most-least)/time.Second))
		for second, count := range seconds {
			if count > laps*(rate+1) {
				t.Fatalf("%d of %d come back in second %d, want %d a lap", count, crowd, second, rate)
			}
		}
	})
}
