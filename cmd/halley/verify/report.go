package verify

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/cmd/halley/verify/history"
)

// WriteJSON writes a result as one JSON object. Times are in seconds.
func WriteJSON(w io.Writer, result *history.Result) error {
	return json.MarshalWrite(w, result, json.WithMarshalers(seconds), jsontext.WithIndent("  "), json.Deterministic(true))
}

// seconds writes times as numbers of seconds.
var seconds = json.MarshalToFunc(func(e *jsontext.Encoder, d time.Duration) error {
	return e.WriteToken(jsontext.Float(d.Seconds()))
})

// WriteHistory writes a history, one JSON object a line.
func WriteHistory(w io.Writer, events []history.Event) error {
	for i := range events {
		if err := json.MarshalWrite(w, &events[i], json.WithMarshalers(seconds)); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a result for people.
func Write(w io.Writer, result *history.Result) error {
	f := result.Figures
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, arguments ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", arguments...) }
	row("acknowledged", "%d of %d published (%d refused, %d unknown)", f.Acknowledged, f.Published, f.Refused, f.Unknown)
	row("delivered", "%d", f.Delivered)
	row("lost", "%d", result.Counts[history.Lost])
	row("duplicates", "%d", result.Counts[history.Duplicate])
	row("disorder", "%d", result.Counts[history.Disorder]+result.Counts[history.Overtaken])
	row("silent gaps", "%d", result.Counts[history.SilentGap])
	row("gaps told", "%s", tally(f.Gaps))
	row("suspended", "%d", f.Suspended)
	row("publishes/s", "%.0f", f.PerSecond)
	row("acknowledgement", "%s", f.Acknowledgment)
	row("delivery", "%s", f.Delivery)
	row("catch-up", "%s", f.CatchUp)
	for _, p := range f.Pauses {
		row("write pause", "%s  %s %s at %.1fs", p.Writes, p.Fault, p.Node, p.At.Seconds())
	}
	row("tried again", "%s", tally(f.Errors))
	if err := table.Flush(); err != nil {
		return err
	}
	return writeViolations(w, result)
}

func writeViolations(w io.Writer, result *history.Result) error {
	if result.Sound() {
		_, err := fmt.Fprintln(w, "\nevery promise was kept")
		return err
	}
	var classes []string
	for _, class := range slices.Sorted(maps.Keys(result.Counts)) {
		classes = append(classes, fmt.Sprintf("%s %s %d", class.Invariant(), class, result.Counts[class]))
	}
	lines := []string{"", "BROKEN PROMISES: " + strings.Join(classes, ", ")}
	for _, v := range result.Violations {
		lines = append(lines, "  "+v.String())
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// tally lists counts, the greatest first.
func tally(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}
