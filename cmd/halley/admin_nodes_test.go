package main

import (
	"strings"
	"testing"
	"time"

	"halley/tenant"
)

func TestWhoMayBeCalledDead(t *testing.T) {
	t.Parallel()
	const lives, silent, forgotten, unknown = "00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a4"
	reports := []tenant.NodeReport{
		{Instance: lives, Name: "n1", Silence: 3 * time.Second, Report: `{"waits":["` + silent + `","` + forgotten + `"]}`},
		{Instance: silent, Name: "n2", Silence: time.Minute, Report: `{}`},
	}
	for instance, refusal := range map[string]string{lives: "lives: it reported 3 s ago", silent: "", forgotten: "", unknown: "no node reports"} {
		err := mayBury(reports, instance)
		if refused := err != nil; refused != (refusal != "") || refused && !strings.Contains(err.Error(), refusal) {
			t.Errorf("%s: %v, want %q", instance, err, refusal)
		}
	}
}

// TestReportOfAnotherVersion lists the nodes that can be understood beside one that cannot.
func TestReportOfAnotherVersion(t *testing.T) {
	t.Parallel()
	all := nodesOf([]tenant.NodeReport{
		{Instance: "a", Name: "n1", Report: `{"slots":"many"}`}, {Instance: "b", Name: "n2", Report: `{"slots":1024,"leads":5}`},
	})
	if len(all.Nodes) != 2 || all.Nodes[0].Report.State != stateUnreadable || all.Slots != 1024 || all.Led != 5 {
		t.Errorf("got %+v", all)
	}
}
