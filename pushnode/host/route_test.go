package host

import (
	"log/slog"
	"slices"
	"testing"
)

// TestRoutesAreOrdered holds that a later route wins, whoever tells an earlier one afterwards.
func TestRoutesAreOrdered(t *testing.T) {
	t.Parallel()
	rising := []route{
		{leader: 1}, {leader: 2, term: 1}, {leader: 2, term: 1, applied: 9}, {leader: 3, term: 2, applied: 8}, {leader: 4, generation: 1},
	}
	for i := range rising {
		for j := range rising {
			want := min(max(i-j, -1), 1)
			if got := rising[i].compare(&rising[j]); got != want {
				t.Errorf("%+v to %+v: got %d, want %d", rising[i], rising[j], got, want)
			}
		}
	}
	if !slices.IsSortedFunc(rising, func(a, b route) int { return a.compare(&b) }) {
		t.Error("the routes are not in rising order")
	}
}

// nobody is surroundings in which nobody hears anything.
type nobody struct{ Surroundings }

func (nobody) Missed(int)                      {}
func (nobody) Send(uint64, Class, []byte) bool { return false }

// TestCopiesOutliveRoutesOfBefore holds that a copy is let go only by news that is no older than what it has applied.
func TestCopiesOutliveRoutesOfBefore(t *testing.T) {
	t.Parallel()
	h := New(Config{Self: 1, Cluster: 1, Slots: 1, Copies: 3, Logger: slog.New(slog.DiscardHandler)}, nobody{})
	if err := h.Found(1000); err != nil {
		t.Fatal(err)
	}
	s := &h.seats[0]
	elsewhere := route{leader: 2, term: s.status.Term + 1, agreed: true, voters: []uint64{2, 3, 4}}
	for _, test := range []struct {
		name    string
		applied uint64
		agreed  bool
		stays   bool
	}{
		{"of before", s.status.Applied - 1, true, true},
		{"not agreed", s.status.Applied + 1, false, true},
		{"of later", s.status.Applied + 2, true, false},
	} {
		elsewhere.applied, elsewhere.agreed = test.applied, test.agreed
		h.learnRoutes(1000, []slotRoute{{slot: 0, route: elsewhere}})
		if stays := s.copy != nil; stays != test.stays {
			t.Errorf("a route %s: the copy stays: %v, want %v", test.name, stays, test.stays)
		}
	}
}
