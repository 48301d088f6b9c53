package cluster

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// met and unmet are seeds with one address.
var (
	met   = reach{known: true, addresses: 1, reached: 1}
	unmet = reach{known: true, addresses: 1}
)

func TestJudge(t *testing.T) {
	self := Member{Instance: 5, Name: "b", State: Joining}
	named := func(name string, cluster uint64) Member {
		return Member{Instance: uint64(name[0]), Name: name, State: Joining, Cluster: cluster}
	}
	for _, c := range []struct {
		name    string
		others  []Member
		seeds   []reach
		settled time.Duration
		want    verdict
	}{
		{"given nothing", nil, nil, 0, verdict{found: true}},
		{"given nothing, but there is a cluster", []Member{named("c", 7)}, nil, 0, verdict{adopt: 7}},
		{"itself only, too early", nil, []reach{met}, aloneAfter - 1, verdict{}},
		{"itself only", nil, []reach{met}, aloneAfter, verdict{found: true}},
		{"a name that is not known", nil, []reach{{}}, time.Hour, verdict{}},
		{"a peer that is not there", nil, []reach{unmet}, time.Hour, verdict{}},
		{"itself and a peer that is not there", nil, []reach{met, unmet}, time.Hour, verdict{}},
		{"itself and a name that is not known", nil, []reach{met, {}}, time.Hour, verdict{}},
		{"a name, half of it met", []Member{named("c", 0)}, []reach{{true, 4, 2}}, time.Hour, verdict{}},
		{"a name, more than half of it met", []Member{named("c", 0)}, []reach{{true, 3, 2}}, togetherAfter, verdict{found: true}},
		{"a cluster, though a peer is not there", []Member{named("c", 7)}, []reach{unmet}, 0, verdict{adopt: 7}},
		{"first of two, too early", []Member{named("c", 0)}, []reach{met}, togetherAfter - 1, verdict{}},
		{"first of two", []Member{named("c", 0)}, []reach{met}, togetherAfter, verdict{found: true}},
		{"second of two", []Member{named("a", 0)}, []reach{met}, togetherAfter + nextAfter - 1, verdict{}},
		{"second of two, the first does not found", []Member{named("a", 0)}, []reach{met}, togetherAfter + nextAfter, verdict{found: true}},
		{"third of three", []Member{named("a", 0), named("aa", 0)}, []reach{met}, togetherAfter + nextAfter, verdict{}},
		{"the first drains", []Member{{Instance: 1, Name: "a", State: Draining}}, []reach{met}, aloneAfter, verdict{found: true}},
		{"two of one name", []Member{{Instance: 1, Name: "b", State: Joining}}, []reach{met}, togetherAfter, verdict{}},
		{"two clusters, one larger", []Member{named("a", 8), named("c", 9), named("d", 9)}, []reach{met}, 0, verdict{adopt: 9}},
		{"two clusters alike", []Member{named("a", 9), named("c", 8)}, []reach{met}, 0, verdict{adopt: 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := prospect{self, append([]Member{self}, c.others...), c.seeds, c.settled}
			if got := p.judge(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// Of nodes that see each other and nothing else, no two found at one time, and in the end one does.
func TestPatienceTellsNodesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var view []Member
		for i := range rapid.IntRange(2, 8).Draw(t, "nodes") {
			view = append(view, Member{Instance: uint64(i) + 1, Name: rapid.StringMatching("[ab]{1,2}").Draw(t, "name"), State: Joining})
		}
		turns := map[time.Duration]bool{}
		first := time.Hour
		for _, m := range view {
			p := prospect{self: m, view: view, seeds: []reach{met}}
			turn := p.patience()
			if turns[turn] {
				t.Fatalf("two of %v found after %v", view, turn)
			}
			turns[turn], first = true, min(first, turn)
			p.settled = turn
			if !p.judge().found {
				t.Fatalf("%v does not found in its turn", m)
			}
		}
		if first != togetherAfter {
			t.Fatalf("the first founds after %v", first)
		}
	})
}

// Whatever else is so: a node with a seed that it cannot reach does not found, and one that sees a cluster adopts it.
func TestJudgeNeverFoundsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		self := Member{Instance: 1, Name: "a", State: Joining}
		p := prospect{self: self, view: []Member{self}, settled: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "settled"))}
		sighted := false
		for i := range rapid.IntRange(0, 4).Draw(t, "others") {
			m := Member{Instance: uint64(i) + 2, Name: "n", State: State(rapid.IntRange(1, 3).Draw(t, "state")), Cluster: rapid.Uint64Max(2).Draw(t, "cluster")}
			sighted = sighted || m.Cluster != 0
			p.view = append(p.view, m)
		}
		apart := false
		for range rapid.IntRange(0, 3).Draw(t, "seeds") {
			r := reach{known: rapid.Bool().Draw(t, "known"), addresses: rapid.IntRange(1, 4).Draw(t, "addresses")}
			r.reached = rapid.IntRange(0, r.addresses).Draw(t, "reached")
			apart = apart || !r.known || r.reached <= r.addresses/2
			p.seeds = append(p.seeds, r)
		}
		v := p.judge()
		if (v.adopt != 0) != sighted || v.found && (apart || sighted) || v.found && v.adopt != 0 {
			t.Fatalf("%+v: %+v", p, v)
		}
	})
}

func TestStrangers(t *testing.T) {
	view := []Member{{Cluster: 3}, {Cluster: 0}, {Cluster: 2}, {Cluster: 3}, {Cluster: 1}}
	if got := strangers(view, 2); len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("got %v", got)
	}
	if got := strangers(view, 0); got != nil {
		t.Errorf("a node without a cluster is in conflict with %v", got)
	}
}

// TestPrevailing counts those who stay, and all where nobody does.
func TestPrevailing(t *testing.T) {
	draining, ready := Draining, Ready
	for name, test := range map[string]struct {
		view []Member
		want uint64
	}{
		"most":               {[]Member{{Cluster: 7, State: ready}, {Cluster: 5, State: ready}, {Cluster: 7, State: ready}}, 7},
		"of equals the low":  {[]Member{{Cluster: 7, State: ready}, {Cluster: 5, State: ready}}, 5},
		"not who drains":     {[]Member{{Cluster: 5, State: draining}, {Cluster: 5, State: draining}, {Cluster: 7, State: ready}}, 7},
		"all where all do":   {[]Member{{Cluster: 5, State: draining}, {Cluster: 5, State: draining}, {Cluster: 7, State: draining}}, 5},
		"nobody":             {[]Member{{State: ready}}, 0},
		"not who has no one": {[]Member{{State: ready}, {State: ready}, {Cluster: 7, State: draining}}, 7},
	} {
		if got := prevailing(staying(test.view)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
