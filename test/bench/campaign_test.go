package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"halley/cmd/halley/bench"
	"halley/test/fakepush"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{3: {5, 1, 3}, 2: {4, 2, 8, 1}, 7: {7}} {
		if got := median(values); got != want {
			t.Errorf("the median of %v is %v, want %v", values, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	s, err := parseSettings([]string{"-runs", "3", "-measures", "fanout-1k,paced"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign{settings: s, servers: []server{{name: "floor"}, {name: "other"}}, measures: measures(s), noisy: 2,
		results: map[cell][]*bench.Result{}}
	for _, m := range c.measures {
		for i := range 3 {
			c.add("floor", m.name, 4+float64(i))
			c.add("other", m.name, 6+float64(i)*1.5)
		}
	}
	var text strings.Builder
	if err := writeTable(&text, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Medians of 3 runs;", "in 2 runs others had more than 5 %",
		"| server | 1,000 subscribers, µs | 25/s, µs | 25/s, p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|\n",
		"| floor | 5.00 ×1.00 | 5.00 ×1.00 | 1.0 | 2.0 | 4.0 |\n",
		"| other | 7.50 ×1.50 | 7.50 ×1.50 | 1.0 | 2.0 | 4.0 |\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table does not hold %q:\n%s", want, text.String())
		}
	}
}

// add adds a result with a cost.
func (c *campaign) add(server, measure string, micros float64) {
	key := cell{server, measure}
	c.results[key] = append(c.results[key], &bench.Result{
		Server: &bench.Cost{CPUMicros: micros}, Delivery: bench.Latency{P50: 1, P99: 2, P999: 3, Max: 4},
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"-runs", "0"}, {"-repeats", "-1"}, {"-noise", "0"}, {"fanout"}, {"-fast"}} {
		if got, err := parseSettings(arguments, io.Discard); err == nil {
			t.Errorf("%v is taken for %+v", arguments, got)
		}
	}
	for list, want := range map[string]bool{"": true, "Hal": true, "Nchan,Halley": true, "Nchan": false} {
		if got := chosen("Halley", list); got != want {
			t.Errorf("Halley is chosen by %q: %v", list, got)
		}
	}
}

// A run against a server that fails ends the campaign, and the server is ended all the same.
func TestCampaignEndsItsServers(t *testing.T) {
	t.Parallel()
	ended := 0
	start := func(fault fakepush.Fault) func(context.Context) (*bench.Target, func() error, error) {
		return func(context.Context) (*bench.Target, func() error, error) {
			fake := fakepush.Start(t, fault, false)
			target, err := bench.NewTarget(fake.URL, false, bench.Halley{})
			return target, func() error { ended++; return nil }, err
		}
	}
	o := load(bench.Fanout)
	o.Rate, o.Duration = 100, 500*time.Millisecond
	c := &campaign{
		settings: settings{runs: 2, noise: 1}, progress: io.Discard, measures: []measure{{name: "load", options: o}},
		servers: []server{{"fake", bench.WebSocket, start(fakepush.Double)}},
	}
	if err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), "fake, load: 0 lost, 1 twice") || ended != 1 {
		t.Errorf("%v, %d ended", err, ended)
	}
}

func TestProcessThatDoesNotServe(t *testing.T) {
	t.Parallel()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := (plainServer{address: address}).start(t.Context(), "sh", "-c", "echo broken >&2; exit 3"); err == nil ||
		!strings.Contains(err.Error(), "broken") {
		t.Errorf("a server that ends at once: %v", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	childless, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if _, _, err := (plainServer{address: address, children: 1}).start(childless, "sleep", "60"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server whose children are missing: %v", err)
	}
	listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := (plainServer{address: address}).start(ctx, "sleep", "60"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that does not listen: %v", err)
	}
}
