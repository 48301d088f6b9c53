package history

import (
	"fmt"
	"slices"
	"time"
)

// Figures are what a history measures. None of them is a violation.
type Figures struct {
	Published      int            `json:"published"` // sent at least once
	Acknowledged   int            `json:"acknowledged"`
	Refused        int            `json:"refused"`
	Unknown        int            `json:"unknown"` // given up
	Delivered      int            `json:"delivered"`
	Gaps           map[string]int `json:"gaps"` // that were told, by reason
	Suspended      int            `json:"suspended"`
	Errors         map[string]int `json:"errors"` // answers and broken connections after which somebody tried again
	PerSecond      float64        `json:"publishes_per_second"`
	Acknowledgment Spread         `json:"acknowledgement"` // from the first try to the answer
	Delivery       Spread         `json:"delivery"`        // from the first try to each subscriber
	CatchUp        Spread         `json:"catch_up"`        // from a reconnect to having the head of that moment
	Pauses         []Pause        `json:"pauses"`          // of each fault
}

// Spread is a distribution of times.
type Spread struct {
	Count int           `json:"count"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
}

// String is the distribution in milliseconds.
func (s Spread) String() string {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("p50 %.1f  p99 %.1f  max %.1f ms of %d", ms(s.P50), ms(s.P99), ms(s.Max), s.Count)
}

// spread makes one; it sorts the values.
func spread(values []time.Duration) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	slices.Sort(values)
	at := func(percent int) time.Duration { return values[(len(values)-1)*percent/100] }
	return Spread{Count: len(values), P50: at(50), P99: at(99), Max: at(100)}
}

// Pause is how long publishers of each channel waited without any answer after a fault.
type Pause struct {
	At     time.Duration `json:"at"`
	Fault  string        `json:"fault"`
	Node   string        `json:"node"`
	Writes Spread        `json:"writes"` // over the channels
}

// measure goes over the history once for each group of figures.
func measure(events []Event) Figures {
	f := Figures{Gaps: make(map[string]int), Errors: make(map[string]int)}
	sent, acknowledged := make(map[[2]string]time.Duration), make(map[[2]string]bool)
	var answers, deliveries []time.Duration
	var first, last time.Duration
	for i := range events {
		e := &events[i]
		key := [2]string{e.Channel, e.ID}
		switch e.Kind {
		case Invoke:
			f.Published++
			sent[key] = e.At
			if f.Published == 1 {
				first = e.At
			}
		case OK:
			last = e.At
			if !acknowledged[key] {
				acknowledged[key] = true
				f.Acknowledged++
				answers = append(answers, e.At-sent[key])
			}
		case Refused:
			f.Refused++
		case Unknown:
			f.Unknown++
		case Message:
			f.Delivered++
			if begun, ok := sent[key]; ok {
				deliveries = append(deliveries, e.At-begun)
			}
		case Gap:
			f.Gaps[e.Reason]++
		case Suspended:
			f.Suspended++
		case Error:
			f.Errors[e.Reason]++
		}
	}
	if last > first {
		f.PerSecond = float64(f.Acknowledged) / (last - first).Seconds()
	}
	f.Acknowledgment, f.Delivery = spread(answers), spread(deliveries)
	f.CatchUp, f.Pauses = catchUps(events), pauses(events)
	return f
}
