// Command bench sets Halley beside other push servers on one machine: the floor, which is a bare loop of writes, in C and in Go, and
// Nchan. make bench runs it.
//
// One generator drives all of them, which is package halley/cmd/halley/bench: only what is said differs (dialect.go). Each server is
// started anew for each run; runs of all servers are interleaved, and those that other programs disturbed are repeated. It prints a
// table in Markdown of the medians and their ratios to the floor in C. Start reading at campaign.go; measure.go is what is measured,
// floor.go, halley.go and nchan.go are the servers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == floorArgument {
		os.Exit(report(serveFloor(os.Args[2:])))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := report(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
	stop()
	os.Exit(code)
}

// report tells an error and returns the exit code.
func report(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
}

// settings are the flags.
type settings struct {
	runs     int
	repeats  int           // of a run that was disturbed
	noise    float64       // share of the machine that others may have
	duration time.Duration // of each run
	settle   time.Duration // before the memory of idle connections is read
	servers  string        // whose names begin with one of these
	measures string
	raw      string // file that gets every result
}

func parseSettings(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.runs, "runs", 5, "runs of each server and measure")
	flags.IntVar(&s.repeats, "repeats", 3, "how often a run is repeated that others disturbed")
	flags.Float64Var(&s.noise, "noise", 0.05, "share of the machine's processors that others may have in a run, 0 to 1")
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "of publishing in each run")
	flags.DurationVar(&s.settle, "settle", 20*time.Second, "before the memory of idle connections is read")
	flags.StringVar(&s.servers, "servers", "", "only servers whose names begin so, separated by commas")
	flags.StringVar(&s.measures, "measures", "", "only measures whose names begin so, separated by commas")
	flags.StringVar(&s.raw, "raw", "", "file that gets every result, as one JSON object a line")
	if err := flags.Parse(arguments); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 || s.runs < 1 || s.repeats < 0 || s.noise <= 0 {
		return settings{}, errors.New("-runs must be positive, -repeats not negative, -noise above 0, and nothing may stand behind the flags")
	}
	return s, nil
}

// chosen reports whether a name is one of those that were asked for: a list of beginnings, where the empty list is all.
func chosen(name, list string) bool {
	for beginning := range strings.SplitSeq(list, ",") {
		if strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}

// run builds the servers, measures them and prints the table.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) (err error) {
	s, err := parseSettings(arguments, stderr)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "halley-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c := &campaign{settings: s, progress: stderr}
	if s.raw != "" {
		file, err := os.Create(s.raw)
		if err != nil {
			return err
		}
		defer file.Close()
		c.raw = file
	}
	if c.servers, err = servers(ctx, folder, s.servers, stderr); err != nil {
		return err
	}
	c.measures = measures(s)
	if err := c.run(ctx); err != nil {
		return err
	}
	return writeTable(stdout, c)
}
