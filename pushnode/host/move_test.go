package host

import (
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// TestNextCopies has node 1 lead a slot with three copies wanted.
func TestNextCopies(t *testing.T) {
	t.Parallel()
	type list = []uint64
	for _, test := range []struct {
		name                     string
		voters, learners, target list
		level, lost, forgotten   list // lost a moment ago; for so long that nobody waits for it
		want                     slot.Copies
	}{
		{name: "all is well", voters: list{1, 2, 3}, target: list{2, 1, 3}, want: slot.Copies{Voters: list{1, 2, 3}}},
		{name: "others join", voters: list{1}, target: list{1, 2, 3}, want: slot.Copies{Voters: list{1}, Learners: list{2, 3}}},
		{name: "one is level", voters: list{1}, learners: list{2, 3}, target: list{1, 2, 3}, level: list{2},
			want: slot.Copies{Voters: list{1, 2}, Learners: list{3}}},
		{name: "one is level, and lost", voters: list{1}, learners: list{2, 3}, target: list{1, 2, 3}, level: list{2}, lost: list{2},
			want: slot.Copies{Voters: list{1}, Learners: list{2, 3}}},
		{name: "all are level", voters: list{1}, learners: list{2, 3}, target: list{1, 2, 3}, level: list{2, 3},
			want: slot.Copies{Voters: list{1, 2, 3}}},
		{name: "it moves", voters: list{1, 2, 3}, target: list{2, 3, 4}, want: slot.Copies{Voters: list{1, 2, 3}, Learners: list{4}}},
		{name: "it has moved but for the lead", voters: list{1, 2, 3}, learners: list{4}, target: list{2, 3, 4}, level: list{4},
			want: slot.Copies{Voters: list{1, 2, 3, 4}}},
		{name: "a learner is not wanted any more", voters: list{1, 2, 3}, learners: list{4}, target: list{1, 2, 3},
			want: slot.Copies{Voters: list{1, 2, 3}}},
		{name: "one is lost", voters: list{1, 2, 3}, target: list{1, 2}, lost: list{3}, want: slot.Copies{Voters: list{1, 2, 3}}},
		{name: "the lost one is replaced", voters: list{1, 2, 3}, learners: list{4}, target: list{1, 2, 4}, level: list{4}, lost: list{3},
			want: slot.Copies{Voters: list{1, 2, 4}}},
		{name: "one is lost for long", voters: list{1, 2, 3}, target: list{1, 2}, forgotten: list{3}, want: slot.Copies{Voters: list{1, 2}}},
		{name: "one of two is lost for long", voters: list{1, 2}, target: list{1}, forgotten: list{2}, want: slot.Copies{Voters: list{1}}},
		{name: "one is lost for long, one a moment ago", voters: list{1, 2, 3}, target: list{1}, forgotten: list{2}, lost: list{3},
			want: slot.Copies{Voters: list{1, 2, 3}}},
		{name: "two are lost", voters: list{1, 2, 3}, target: list{1}, lost: list{2, 3}, want: slot.Copies{Voters: list{1, 2, 3}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := &view{linked: map[uint64]bool{2: true, 3: true, 4: true}}
			for _, instance := range slices.Concat(test.lost, test.forgotten) {
				delete(v.linked, instance)
			}
			kept := func(instance uint64) bool { return !slices.Contains(test.forgotten, instance) }
			level := map[uint64]bool{}
			for _, instance := range test.level {
				level[instance] = true
			}
			got := nextCopies(slot.Copies{Voters: test.voters, Learners: test.learners}, test.target, level, v, Config{Self: 1, Copies: 3}, kept)
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
