package pressure_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/pushnode/pressure"
)

// judge is a judge of a node that may use 1000 bytes and wait for 100 ms.
func judge() *pressure.Judge {
	return &pressure.Judge{Limits: pressure.Limits{Memory: 1000, Delay: 100 * time.Millisecond}}
}

// TestJudge tells a reading a second, as "memory/delay in ms", and the states that they lead to.
func TestJudge(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]struct{ readings, want string }{
		"calm":                        {"100/0 790/0 799/0", "normal normal normal"},
		"each mark":                   {"800/0 899/0 900/0 959/0 960/0", "crowded crowded strained strained critical"},
		"at once to the worst":        {"100/0 2000/0", "normal critical"},
		"within the margin nothing":   {"800/0 760/0 750/0 760/0 760/0 760/0 760/0", strings.Repeat("crowded ", 7)},
		"it ends after five seconds":  {"800/0 749/0 0/0 0/0 0/0 0/0 0/0", strings.Repeat("crowded ", 5) + "normal normal"},
		"called for again":            {"800/0 0/0 0/0 0/0 0/0 800/0 0/0 0/0", strings.Repeat("crowded ", 8)},
		"one by one":                  {"970/0" + strings.Repeat(" 0/0", 15), strings.Repeat("critical ", 5) + strings.Repeat("strained ", 5) + strings.Repeat("crowded ", 5) + "normal"},
		"one pause is none":           {"0/0 0/0 0/0 0/9000 0/9000 0/0 0/0 0/0", strings.Repeat("normal ", 8)},
		"not before five were seen":   {"0/500 0/500 0/500 0/500 0/500", "normal normal normal normal crowded"},
		"delay lets nobody in":        {"0/100 0/100 0/100 0/100 0/9000", "normal normal normal normal crowded"},
		"half of the delay goes on":   {"0/100 0/100 0/100 0/100 0/100 0/50 0/50 0/50 0/50 0/50 0/50", "normal normal normal normal " + strings.Repeat("crowded ", 7)},
		"less than half of it does't": {"0/100 0/100 0/100 0/100 0/100 0/100 0/49 0/49 0/49 0/49 0/49 0/49 0/49", "normal normal normal normal " + strings.Repeat("crowded ", 8) + "normal"},
		"memory under delay":          {"0/100 0/100 0/100 0/100 0/100 960/100", "normal normal normal normal crowded critical"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, now := judge(), time.Unix(0, 0)
			var states []string
			for _, text := range strings.Fields(script.readings) {
				var reading pressure.Reading
				if _, err := fmt.Sscanf(text, "%d/%d", &reading.Memory, &reading.Delay); err != nil {
					t.Fatal(err)
				}
				reading.Delay *= time.Millisecond
				states = append(states, j.Take(now, reading).String())
				now = now.Add(time.Second)
			}
			if got, want := strings.Join(states, " "), strings.TrimSpace(script.want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestJudgeWithoutLimits lets everybody in: what has no limit is not judged.
func TestJudgeWithoutLimits(t *testing.T) {
	t.Parallel()
	var j pressure.Judge
	for i := range 10 {
		if got := j.Take(time.Unix(int64(i), 0), pressure.Reading{Memory: 1 << 40, Delay: time.Hour}); got != pressure.Normal {
			t.Fatalf("reading %d leads to %s", i, got)
		}
	}
}

func TestExcess(t *testing.T) {
	t.Parallel()
	for used, want := range map[int64]int64{0: 0, 910: 0, 911: 1, 1000: 90} {
		if got := judge().Excess(used); got != want {
			t.Errorf("of %d, %d must go, want %d", used, got, want)
		}
	}
}

// TestJudgeProperties holds any run of readings against what the states promise.
func TestJudgeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j, now, before := judge(), time.Unix(0, 0), pressure.Normal
		last := now // when the state last changed
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			memory := rapid.Int64Range(0, 1100).Draw(t, "memory")
			delay := time.Duration(rapid.IntRange(0, 200).Draw(t, "delay")) * time.Millisecond
			state := j.Take(now, pressure.Reading{Memory: memory, Delay: delay})
			switch {
			case memory >= 960 && state != pressure.Critical, memory >= 900 && state < pressure.Strained, memory >= 800 && state < pressure.Crowded:
				t.Fatalf("%d bytes lead to %s", memory, state)
			case memory < 850 && state > max(before, pressure.Crowded):
				t.Fatalf("%d bytes lead from %s to %s", memory, before, state)
			case state < before && (before-state > 1 || now.Sub(last) < 5*time.Second):
				t.Fatalf("%s fell to %s after %s", before, state, now.Sub(last))
			}
			if state != before {
				last = now
			}
			before = state
			now = now.Add(time.Second)
		}
		for range 5 + 3*5 { // the delays are forgotten, then the states end one by one
			before = j.Take(now, pressure.Reading{})
			now = now.Add(time.Second)
		}
		if before != pressure.Normal {
			t.Fatalf("long after the last need it is %s", before)
		}
	})
}
