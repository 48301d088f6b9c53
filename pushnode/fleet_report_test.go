package pushnode_test

import (
	"encoding/json"
	"testing"
	"time"

	"halley/pushnode"
)

// TestReportsAddUp holds what operators are shown of a cluster: every slot is led once and held by all three nodes, and each leader knows
// how far the copies elsewhere have come. When a node is lost, those of its copies lag, and nobody is said to be linked to it.
func TestReportsAddUp(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		f.await(t, "the reports do not add up", func() bool {
			leads := 0
			for _, m := range f.nodes {
				report := m.told(t)
				leads += report.Leads
				if report.State != "ready" || report.Slots != 1024 || report.Copies != 1024 || report.Leaderless+report.Stuck+report.Lost > 0 ||
					report.Cluster != f.nodes[0].told(t).Cluster || len(report.Followers) != 2 || len(report.Peers) != 2 {
					return false
				}
				for i, follower := range report.Followers {
					if follower.Copies != report.Leads || follower.Behind+follower.Suspended > 0 || !report.Peers[i].Linked {
						return false
					}
				}
			}
			return leads == 1024
		})

		lost := f.nodes[0]
		lost.kill()
		a := f.newApp(t, "ada", nil)
		name := f.named(t, a, "news", f.nodes[1])
		a.on(f.nodes[2]).publish(t, name, "which it lacks")
		lagging := 0
		for _, follower := range f.nodes[1].told(t).Followers {
			if follower.Behind > 0 && follower.Entries > 0 && follower.Bytes > 0 {
				lagging++
			}
		}
		if lagging != 1 {
			t.Errorf("one of two nodes is lost, and %+v", f.nodes[1].told(t).Followers)
		}
		pass(20 * time.Second)
		if report := f.nodes[1].told(t); len(report.Peers) != 1 || len(report.Followers) != 1 || report.Leads+f.nodes[2].told(t).Leads != 1024 {
			t.Errorf("when it is a member no more: %+v", report)
		}
	})
}

// told is what the node says of itself, as it is written down for operators.
func (m *member) told(t *testing.T) (report pushnode.Report) {
	t.Helper()
	if err := json.Unmarshal(must(json.Marshal(m.Report()))(t), &report); err != nil {
		t.Fatal(err)
	}
	return report
}
