package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"halley/cmd/halley/bench"
)

// server is one that can be measured.
type server struct {
	name      string
	transport bench.Transport
	start     func(ctx context.Context) (*bench.Target, func() error, error) // and how to end it
}

// campaign is all runs.
type campaign struct {
	settings settings
	servers  []server
	measures []measure
	progress io.Writer
	raw      io.Writer // nil: nobody wants it

	results map[cell][]*bench.Result
	noisy   int // runs that were disturbed to the last try
}

// cell is a row and a column of the table.
type cell struct{ server, measure string }

// run measures round by round, so that what changes on the machine meanwhile meets all servers alike.
func (c *campaign) run(ctx context.Context) error {
	c.results = make(map[cell][]*bench.Result)
	for round := range c.settings.runs {
		for _, m := range c.measures {
			for _, s := range c.servers {
				fmt.Fprintf(c.progress, "round %d of %d: %s: %s\n", round+1, c.settings.runs, m.title(), s.name)
				result, err := c.undisturbed(ctx, s, m)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, m.name, err)
				}
				key := cell{s.name, m.name}
				c.results[key] = append(c.results[key], result)
			}
		}
	}
	return nil
}

// undisturbed is the first run in which others had little of the machine, or else the one in which they had least.
func (c *campaign) undisturbed(ctx context.Context, s server, m measure) (best *bench.Result, err error) {
	for range c.settings.repeats + 1 {
		result, err := c.once(ctx, s, m)
		if err != nil {
			return nil, err
		}
		if best == nil || result.ForeignCPU < best.ForeignCPU {
			best = result
		}
		if best.ForeignCPU <= c.settings.noise {
			return best, nil
		}
		fmt.Fprintf(c.progress, "  others had %.0f %% of the machine\n", result.ForeignCPU*100)
	}
	c.noisy++
	return best, nil
}

// once is one run against a server of its own.
func (c *campaign) once(ctx context.Context, s server, m measure) (result *bench.Result, err error) {
	target, end, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	o := m.options
	o.Transport = s.transport
	if result, err = bench.Run(ctx, target, o); err != nil {
		return nil, err
	}
	if !result.Sound() {
		return nil, fmt.Errorf("%d lost, %d twice, %d disordered", result.Lost, result.Duplicated, result.Disordered)
	}
	if result.Server == nil {
		return nil, errors.New("the server's processes cannot be measured here: that needs Linux")
	}
	return result, c.keep(s, m, result)
}

// keep writes a result to the file of all results.
func (c *campaign) keep(s server, m measure, result *bench.Result) error {
	if c.raw == nil {
		return nil
	}
	line, err := json.Marshal(struct {
		Server  string        `json:"server"`
		Measure string        `json:"measure"`
		Result  *bench.Result `json:"result"`
	}{s.name, m.name, result})
	if err != nil {
		return err
	}
	_, err = c.raw.Write(append(line, '\n'))
	return err
}
