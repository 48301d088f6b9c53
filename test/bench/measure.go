package main

import (
	"fmt"
	"slices"
	"time"

	"halley/cmd/halley/bench"
)

// measure is one load, and the figures that are read from it.
type measure struct {
	name    string
	options bench.Options
	figures []figure
}

// figure is one column of the table.
type figure struct {
	title string
	ratio bool // to the floor is shown as well
	read  func(*bench.Result) float64
	form  string // of Printf
}

// payload is the size of all messages' data, in bytes.
const payload = 128

// measures are those that were chosen, in the order of the columns.
func measures(s settings) []measure {
	all := []measure{
		{"fanout-1k", fanout(s, 1000, 1, 0), []figure{perItem("1,000 subscribers, µs")}},
		{"fanout-10k", fanout(s, 10_000, 1, 0), []figure{perItem("10,000 subscribers, µs")}},
		{"burst", fanout(s, 1000, 16, 0), []figure{
			perItem("16 in flight, µs"), {"16 in flight, deliveries/s", false, func(r *bench.Result) float64 { return r.DeliveriesPerSecond }, "%.0f"},
		}},
		{"paced", fanout(s, 1000, 1, 25), []figure{
			perItem("25/s, µs"),
			{"25/s, p50 ms", false, func(r *bench.Result) float64 { return r.Delivery.P50 }, "%.1f"},
			{"p99 ms", false, func(r *bench.Result) float64 { return r.Delivery.P99 }, "%.1f"},
			{"max ms", false, func(r *bench.Result) float64 { return r.Delivery.Max }, "%.1f"},
		}},
		{"publish", options(s, bench.Publish), []figure{
			perItem("publish, µs"), {"publishes/s", false, func(r *bench.Result) float64 { return r.PublishesPerSecond }, "%.0f"},
			{"bytes a delivery", false, func(r *bench.Result) float64 { return r.WireBytes }, "%.0f"},
		}},
		{"idle", options(s, bench.Idle), []figure{{"idle, KiB", false, idleMemory, "%.2f"}}},
		{"connect", options(s, bench.Connect), []figure{perItem("connect, µs")}},
	}
	return slices.DeleteFunc(all, func(m measure) bool { return !chosen(m.name, s.measures) })
}

// perItem is the server's processor time for one of what the load makes.
func perItem(title string) figure {
	return figure{title, true, func(r *bench.Result) float64 { return r.Server.CPUMicros }, "%.2f"}
}

// idleMemory is by PSS: of a server with several processes, what they share counts once.
func idleMemory(r *bench.Result) float64 { return r.Server.PSSPerConnection / 1024 }

func options(s settings, mode bench.Mode) bench.Options {
	o := bench.DefaultOptions(mode)
	o.Bytes, o.Duration, o.Settle = payload, s.duration, s.settle
	return o
}

func fanout(s settings, subscribers, inFlight, rate int) bench.Options {
	o := options(s, bench.Fanout)
	o.Subscribers, o.InFlight, o.Rate = subscribers, inFlight, rate
	return o
}

// title describes a load in a line of progress.
func (m measure) title() string {
	return fmt.Sprintf("%s, %v", m.name, m.options.Duration.Round(time.Millisecond))
}

// median is the middle of values, and of an even number of them the lower one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
