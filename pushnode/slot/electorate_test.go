package slot_test

import (
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// TestElectorate asks who has a say while a change of all copies at once is proposed, half done, and over.
func TestElectorate(t *testing.T) {
	n := newNetwork(t, 2, nil)
	n.lead(1)
	want := func(when string, at uint64, want slot.Electorate) {
		t.Helper()
		got := n.at(at).Electorate()
		if !slices.Equal(got.Voters, want.Voters) || !slices.Equal(got.Outgoing, want.Outgoing) || !slices.Equal(got.Coming, want.Coming) {
			t.Errorf("%s, instance %d: %+v, want %+v", when, at, got, want)
		}
	}
	three, four := n.add(slot.Config{}), n.add(slot.Config{})
	want("empty", three, slot.Electorate{})
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2}, Learners: []uint64{three, four}})
	want("with learners", 1, slot.Electorate{Voters: []uint64{1, 2}})
	n.down[2] = true
	if err := n.at(1).Change(voters(1, three, four)); err != nil {
		t.Fatal(err)
	}
	n.settle()
	want("proposed", 1, slot.Electorate{Voters: []uint64{1, 2}, Coming: []uint64{three, four}})
	if all := n.at(1).Electorate().All(); !slices.Equal(all, []uint64{1, 2, three, four}) {
		t.Errorf("all are %v", all)
	}
	n.down[2] = false
	n.down[three], n.down[four] = true, true
	n.tick(1)
	want("half done", 1, slot.Electorate{Voters: []uint64{1, three, four}, Outgoing: []uint64{1, 2}})
	n.down[three], n.down[four] = false, false
	n.tick(1)
	want("over", 1, slot.Electorate{Voters: []uint64{1, three, four}})
}
