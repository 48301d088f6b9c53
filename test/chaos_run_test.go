package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"halley/test/postgres"
)

// chaosVariable names the environment variable that says how long each chaos test hurts its cluster; make chaos sets it.
const chaosVariable = "HALLEY_CHAOS_DURATION"

// What a fault may cost on a machine that does much else; the figures to reach are lower, and are printed.
const (
	chaosPatience = 3 * time.Minute // beyond the duration: start, quiet at the end, judgement
	pauseBound    = 10.0            // seconds for which a channel may get no acknowledgement
	catchUpBound  = 10.0            // seconds from a reconnect to the head, of 99 in 100
)

// verdict is what halley verify prints, as far as tests look at it. Times are in seconds.
type verdict struct {
	Counts     map[string]int `json:"counts"`
	Violations []struct {
		Invariant string  `json:"invariant"`
		Class     string  `json:"class"`
		At        float64 `json:"at"`
		Client    string  `json:"client"`
		Channel   string  `json:"channel"`
		ID        string  `json:"id"`
		Text      string  `json:"text"`
	} `json:"violations"`
	Figures struct {
		Acknowledged int            `json:"acknowledged"`
		Delivered    int            `json:"delivered"`
		Unknown      int            `json:"unknown"`
		Gaps         map[string]int `json:"gaps"`
		Errors       map[string]int `json:"errors"` // answers and broken connections, by what is said of them
		CatchUp      struct {
			P99 float64 `json:"p99"`
		} `json:"catch_up"`
		Pauses []pause `json:"pauses"`
	} `json:"figures"`
}

// pause is how long channels took no message after a fault.
type pause struct {
	At     float64 `json:"at"`
	Fault  string  `json:"fault"`
	Node   string  `json:"node"`
	Writes struct {
		P50 float64 `json:"p50"`
		Max float64 `json:"max"`
	} `json:"writes"`
}

// hurt runs halley verify against three nodes of its own on a fresh database, and wants every promise kept.
func hurt(t *testing.T, duration time.Duration, flags ...string) verdict {
	t.Helper()
	return startVerify(t, postgres.URL(t), duration, flags...).result()
}

// verifyRun is a halley verify that runs.
type verifyRun struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr lineWriter
	ended  chan struct{}
	err    error // after ended: how it ended
	folder string
	pauses float64 // seconds for which a channel may get no acknowledgement
}

// startVerify starts halley verify. It ends with its test.
func startVerify(t *testing.T, database string, duration time.Duration, flags ...string) *verifyRun {
	t.Helper()
	if given := os.Getenv(chaosVariable); given != "" {
		longer, err := time.ParseDuration(given)
		if err != nil {
			t.Fatalf("$%s: %v", chaosVariable, err)
		}
		duration = longer
	}
	run := &verifyRun{
		t: t, ended: make(chan struct{}), folder: t.TempDir(), pauses: pauseBound, stderr: lineWriter{grown: make(chan struct{}, 1)},
	}
	ctx, cancel := context.WithTimeout(context.Background(), duration+chaosPatience)
	arguments := []string{"verify", "--database", database, "--duration", duration.String(), "--keep", run.folder, "--json"}
	run.cmd = plainCommand(t, slices.Concat(arguments, flags)...)
	run.cmd.Stdout, run.cmd.Stderr = &run.stdout, &run.stderr
	if err := run.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { _ = run.cmd.Process.Signal(syscall.SIGTERM) }) // it ends its nodes
	go func() {
		defer close(run.ended)
		run.err = run.cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-run.ended
		if t.Failed() {
			run.tell()
		}
	})
	return run
}

// result waits for the end, and wants every promise kept and faults survived in time.
func (r *verifyRun) result() verdict {
	r.t.Helper()
	<-r.ended
	var got verdict
	if err := json.Unmarshal(r.stdout.Bytes(), &got); err != nil {
		r.t.Fatalf("verify: %v, and its result: %v", r.err, err)
	}
	for _, v := range got.Violations {
		r.t.Errorf("%s %s at %.3fs: %s %s %s: %s", v.Invariant, v.Class, v.At, v.Client, v.Channel, v.ID, v.Text)
	}
	if r.err != nil {
		r.t.Errorf("verify: %v: %v", r.err, got.Counts)
	}
	if f := got.Figures; f.Acknowledged == 0 || f.Delivered < f.Acknowledged {
		r.t.Errorf("%d acknowledged, %d delivered: there was no load", f.Acknowledged, f.Delivered)
	}
	if p99 := got.Figures.CatchUp.P99; p99 > catchUpBound {
		r.t.Errorf("catch-up took %.1f s", p99)
	}
	for _, p := range got.Figures.Pauses {
		r.t.Logf("%s of %s at %.1fs: writes paused for %.0f ms in the middle, %.0f ms at most", p.Fault, p.Node, p.At, 1e3*p.Writes.P50, 1e3*p.Writes.Max)
		if p.Writes.Max > r.pauses {
			r.t.Errorf("%s of %s: a channel took no message for %.1f s", p.Fault, p.Node, p.Writes.Max)
		}
	}
	return got
}

// wantFaults wants that each of these was made: a run that hurts nothing proves nothing.
func (v verdict) wantFaults(t *testing.T, faults ...string) {
	t.Helper()
	for _, fault := range faults {
		if !slices.ContainsFunc(v.Figures.Pauses, func(p pause) bool { return strings.HasPrefix(p.Fault, fault) }) {
			t.Errorf("there was no %s", fault)
		}
	}
}

// awaitLine waits until verify has said a line with this in it, or has ended.
func (r *verifyRun) awaitLine(part string) {
	r.t.Helper()
	deadline := time.After(chaosPatience)
	for !strings.Contains(r.stderr.text(), part) {
		select {
		case <-r.stderr.grown:
		case <-r.ended:
			r.t.Fatalf("verify ended before it said %q: %v\n%s", part, r.err, r.stderr.text())
		case <-deadline:
			r.t.Fatalf("verify does not say %q:\n%s", part, r.stderr.text())
		}
	}
}

// processes are the command lines of the nodes that run: they name the run's folder.
func (r *verifyRun) processes() []string {
	r.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		r.t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte("\x00serve\x00")) && bytes.Contains(line, []byte(r.folder)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// tell shows what verify and its nodes have said.
func (r *verifyRun) tell() {
	r.t.Logf("verify said:\n%s", r.stderr.text())
	logs, err := filepath.Glob(filepath.Join(r.folder, "*.log"))
	if err != nil {
		r.t.Error(err)
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			r.t.Error(err)
		}
		r.t.Logf("%s:\n%s", filepath.Base(name), text)
	}
}

// lineWriter is text that grows and can be waited for.
type lineWriter struct {
	grown chan struct{} // a token: there is more

	mu    sync.Mutex
	lines bytes.Buffer // guarded by mu
}

// Write adds to the text.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.grown <- struct{}{}:
	default:
	}
	return w.lines.Write(p)
}

func (w *lineWriter) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines.String()
}
