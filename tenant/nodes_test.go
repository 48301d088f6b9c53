package tenant_test

import (
	"slices"
	"testing"
	"time"

	"halley/tenant"
)

// testNodes writes down nodes, again, and lets those go that are silent or end.
func testNodes(t *testing.T, store *tenant.Store) {
	report := func(instance, name, text string, wantBuried bool) {
		t.Helper()
		buried, err := store.ReportNode(t.Context(), instance, name, text, time.Minute)
		must(t, err)
		if buried != wantBuried {
			t.Errorf("%s was called dead: %v, want %v", instance, buried, wantBuried)
		}
	}
	silent := func(instance string, since time.Duration) {
		t.Helper()
		must(t, store.Exec(t.Context(), `UPDATE nodes SET seen_at = seen_at - $1 WHERE instance = $2`, since.Milliseconds(), instance))
	}
	want := func(lines ...string) {
		t.Helper()
		var texts []string
		nodes, err := store.Nodes(t.Context())
		must(t, err)
		for _, one := range nodes {
			if up := one.Seen.Sub(one.Started); up < time.Minute || up > 2*time.Minute {
				t.Errorf("%s has run for %v when it was seen, want a minute", one.Name, up)
			}
			if one.Silence < 0 || one.Silence > time.Minute {
				t.Errorf("%s has been silent for %v", one.Name, one.Silence)
			}
			texts = append(texts, one.Name+" "+one.Report)
		}
		if !slices.Equal(texts, lines) {
			t.Errorf("listed are %q, want %q", texts, lines)
		}
	}
	report("b", "n2", "{}", false)
	report("a", "n1", "{}", false)
	report("b", "n2", `{"leads":3}`, false)
	want("n1 {}", `n2 {"leads":3}`)
	must(t, store.BuryNode(t.Context(), "a"))
	must(t, store.BuryNode(t.Context(), "z")) // silent for so long that it is not listed
	must(t, store.BuryNode(t.Context(), "b"))
	report("b", "n2", "{}", true) // it lives
	report("b", "n2", "{}", false)
	nodes, err := store.Nodes(t.Context())
	must(t, err)
	var dead []string
	for _, one := range nodes {
		if !one.Buried.IsZero() {
			dead = append(dead, one.Instance)
		}
	}
	if slices.Sort(dead); !slices.Equal(dead, []string{"a", "z"}) {
		t.Errorf("called dead are %q", dead)
	}
	silent("a", 30*time.Minute)
	nodes, err = store.Nodes(t.Context())
	must(t, err)
	if silence := nodes[slices.IndexFunc(nodes, func(one tenant.NodeReport) bool { return one.Instance == "a" })].Silence; silence < 30*time.Minute {
		t.Errorf("silent for half an hour is told as %v", silence)
	}
	for _, instance := range []string{"a", "b", "z"} {
		silent(instance, 2*time.Hour)
	}
	report("c", "n3", "{}", false)
	want("n3 {}")
	must(t, store.RemoveNode(t.Context(), "c"))
	want()
}
