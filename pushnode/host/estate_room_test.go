package host

import (
	"log/slog"
	"slices"
	"testing"
)

// TestRoomForEstates wants an estate given up that is handed over already, else one of this cluster: of another's nobody else may have any.
func TestRoomForEstates(t *testing.T) {
	t.Parallel()
	own, done := func() *estate { return new(estate) }, func() *estate { return &estate{done: true} }
	foreign := func() *estate { return &estate{foreign: true} }
	for name, test := range map[string]struct {
		estates []*estate
		gone    int
	}{
		"the oldest":            {[]*estate{own(), own()}, 0},
		"handed over":           {[]*estate{own(), done()}, 1},
		"not the foreign one":   {[]*estate{foreign(), own()}, 1},
		"nor where it is later": {[]*estate{own(), foreign()}, 0},
		"but if it is done":     {[]*estate{own(), {foreign: true, done: true}}, 1},
		"one of two foreign":    {[]*estate{foreign(), foreign()}, 0},
	} {
		h := New(Config{Self: 1, Slots: 1, Copies: 3, Logger: slog.New(slog.DiscardHandler)}, deafWorld{})
		s := &h.seats[0]
		s.estates = slices.Clone(test.estates)
		s.giveUpEstate()
		if slices.Contains(s.estates, test.estates[test.gone]) || len(s.estates) != len(test.estates)-1 {
			t.Errorf("%s: %d are left, and the one to go is among them", name, len(s.estates))
		}
	}
}
