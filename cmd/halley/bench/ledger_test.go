package bench

import "testing"

// arrival is a message as a subscriber gets it.
type arrival struct {
	flow   int
	number uint32
	offset uint64
}

// Each way to go wrong is told from the others.
func TestLedger(t *testing.T) {
	t.Parallel()
	// Three messages of the first flow and one of the second are published.
	const published, other = 3, 1
	for name, test := range map[string]struct {
		arrivals                     []arrival
		lost, duplicated, disordered int
	}{
		"all":                 {[]arrival{{0, 1, 1}, {1, 1, 2}, {0, 2, 3}, {0, 3, 4}}, 0, 0, 0},
		"all, without places": {[]arrival{{0, 1, 0}, {0, 2, 0}, {1, 1, 0}, {0, 3, 0}}, 0, 0, 0},
		"nothing":             {nil, 4, 0, 0},
		"the first lost":      {[]arrival{{0, 2, 2}, {0, 3, 3}, {1, 1, 4}}, 1, 0, 0},
		"one lost amid":       {[]arrival{{0, 1, 1}, {0, 3, 3}, {1, 1, 4}}, 1, 0, 0},
		"the last lost":       {[]arrival{{0, 1, 1}, {0, 2, 2}, {1, 1, 3}}, 1, 0, 0},
		"a flow lost":         {[]arrival{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}}, 1, 0, 0},
		"one twice":           {[]arrival{{0, 1, 1}, {0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {1, 1, 4}}, 0, 1, 0},
		"one twice, late":     {[]arrival{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {1, 1, 4}, {0, 2, 2}}, 0, 1, 0},
		"two swapped":         {[]arrival{{0, 2, 2}, {0, 1, 1}, {0, 3, 3}, {1, 1, 4}}, 0, 0, 1},
		"flows swapped":       {[]arrival{{0, 1, 1}, {1, 1, 3}, {0, 2, 2}, {0, 3, 4}}, 0, 0, 1},
		"late and twice":      {[]arrival{{0, 1, 1}, {0, 3, 3}, {0, 2, 2}, {0, 2, 2}, {1, 1, 4}}, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := &topic{subscribers: 1}
			topic.addFlow(1).published.Store(published)
			topic.addFlow(1).published.Store(other)
			var l ledger
			fresh := 0
			for _, a := range test.arrivals {
				if l.take(a.flow, a.number, a.offset) {
					fresh++
				}
			}
			if lost := l.lost(topic); lost != test.lost || l.duplicated != test.duplicated || l.disordered != test.disordered {
				t.Errorf("lost %d, twice %d, disordered %d; want %d, %d, %d", lost, l.duplicated, l.disordered,
					test.lost, test.duplicated, test.disordered)
			}
			if want := published + other - test.lost; fresh != want {
				t.Errorf("%d messages counted once, want %d", fresh, want)
			}
		})
	}
}

func TestTopicKnowsWhatWasPublished(t *testing.T) {
	t.Parallel()
	topic := &topic{name: "news"}
	topic.addFlow(1).published.Store(2)
	for _, test := range []struct {
		flow   int
		number uint32
		known  bool
	}{{0, 1, true}, {0, 2, true}, {0, 3, false}, {0, 0, false}, {1, 1, false}, {-1, 1, false}} {
		if _, err := topic.find(test.flow, test.number); (err == nil) != test.known {
			t.Errorf("message %d of flow %d: %v, want known %v", test.number, test.flow, err, test.known)
		}
	}
}
