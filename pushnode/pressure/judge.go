package pressure

import (
	"slices"
	"time"
)

// marks are the shares of the memory at which the states begin, in percent. Between the first and the last lies time to come back
// in: a connect storm stops at the first one, publishers at the second.
var marks = [...]int64{Crowded: 80, Strained: 90, Critical: 96}

const (
	// margin is how far, in percent of the memory, it must fall below a state's mark for that state to end.
	margin = 5
	// hold is for how long a state must not have been called for before it ends. The states end one by one.
	hold = 5 * time.Second
	// steady is how many readings of the delay are looked at: the middle one counts. A pause of the whole process makes one long delay,
	// and is no lack of processors.
	steady = 5
)

// Judge comes to a state by one reading after another. The zero value, but for Limits, is ready for use. It is for one goroutine.
type Judge struct {
	Limits Limits // immutable once it is used

	state  State
	called time.Time // when the state was last called for, or began
	delays []time.Duration
}

// State is what the last reading led to.
func (j *Judge) State() State { return j.state }

// Take judges a reading. Readings come about once a second; now rises. A state begins with the first reading that calls for it, for
// memory may be gone with the next one, and ends slowly.
func (j *Judge) Take(now time.Time, reading Reading) State {
	j.noteDelay(reading.Delay)
	asked := max(j.byMemory(reading.Memory), j.byDelay())
	switch {
	case asked >= j.state:
		j.state, j.called = asked, now
	case now.Sub(j.called) >= hold:
		j.state--
		j.called = now
	}
	return j.state
}

// byMemory is the worst state that the memory in use calls for. A state that holds needs less to go on than to begin.
func (j *Judge) byMemory(used int64) State {
	if j.Limits.Memory <= 0 {
		return Normal
	}
	for state := Critical; state > Normal; state-- {
		mark := marks[state]
		if state <= j.state {
			mark -= margin
		}
		if used >= j.Limits.Memory/100*mark {
			return state
		}
	}
	return Normal
}

// byDelay calls for Crowded at most: what is there already is served, if slowly, and the bounds of queues slow publishers down.
func (j *Judge) byDelay() State {
	if j.Limits.Delay <= 0 || len(j.delays) < steady {
		return Normal
	}
	mark := j.Limits.Delay
	if j.state >= Crowded {
		mark /= 2
	}
	if slices.Sorted(slices.Values(j.delays))[steady/2] >= mark {
		return Crowded
	}
	return Normal
}

func (j *Judge) noteDelay(delay time.Duration) {
	if len(j.delays) == steady {
		j.delays = slices.Delete(j.delays, 0, 1)
	}
	j.delays = append(j.delays, delay)
}

// Excess is how many bytes must go for the worst state to end; 0: none.
func (j *Judge) Excess(used int64) int64 {
	return max(0, used-j.Limits.Memory/100*(marks[Critical]-margin))
}
