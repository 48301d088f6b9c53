package tenant_test

import (
	"slices"
	"testing"
	"time"

	"halley/tenant"
)

// testNodes writes down nodes, again, and lets those go that are silent or end.
func testNodes(t *testing.T, store *tenant.Store) {
	now := time.UnixMilli(time.Now().UnixMilli())
	report := func(instance, name, text string, seen time.Time) {
		t.Helper()
		must(t, store.ReportNode(t.Context(), tenant.NodeReport{
			Instance: instance, Name: name, Started: now.Add(-time.Minute), Seen: seen, Report: text,
		}))
	}
	want := func(lines ...string) {
		t.Helper()
		var texts []string
		nodes, err := store.Nodes(t.Context())
		must(t, err)
		for _, one := range nodes {
			if !one.Started.Equal(now.Add(-time.Minute)) {
				t.Errorf("%s started at %v, want %v", one.Name, one.Started, now.Add(-time.Minute))
			}
			texts = append(texts, one.Name+" "+one.Report)
		}
		if !slices.Equal(texts, lines) {
			t.Errorf("listed are %q, want %q", texts, lines)
		}
	}
	report("b", "n2", "{}", now)
	report("a", "n1", "{}", now)
	report("b", "n2", `{"leads":3}`, now.Add(time.Second))
	want("n1 {}", `n2 {"leads":3}`)
	must(t, store.BuryNode(t.Context(), "a"))
	must(t, store.BuryNode(t.Context(), "z")) // silent for so long that it is not listed
	must(t, store.BuryNode(t.Context(), "b"))
	report("b", "n2", "{}", now.Add(time.Second)) // it lives
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
	report("c", "n3", "{}", now.Add(2*time.Hour))
	want("n3 {}")
	must(t, store.RemoveNode(t.Context(), "c"))
	want()
}
