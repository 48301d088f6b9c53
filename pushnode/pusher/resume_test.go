package pusher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestEarlierIDs(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 2 * pusher.MaxEarlier {
		many = append(many, fmt.Sprintf("%d.1", i))
	}
	for text, want := range map[string][]string{
		"":                      nil,
		"1.2":                   {"1.2"},
		"x,1.2,,3.4,5":          {"1.2", "3.4"},
		strings.Join(many, ","): many[:pusher.MaxEarlier],
	} {
		if got := (pusher.Resume{Earlier: text}).EarlierIDs(); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
