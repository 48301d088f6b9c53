package cluster

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// addresses returns those of the peers with these numbers.
func addresses(numbers ...uint64) []netip.AddrPort {
	var all []netip.AddrPort
	for _, i := range numbers {
		all = append(all, at(i))
	}
	return all
}

// answers makes the answer of each address the same.
func answers(picked []netip.AddrPort, ok bool) map[netip.AddrPort]bool {
	all := map[netip.AddrPort]bool{}
	for _, a := range picked {
		all[a] = ok
	}
	return all
}

func TestSearchTiresOfAddresses(t *testing.T) {
	s, tries := newSearch(), 0
	for now := start; now.Before(start.Add(time.Hour)); now = now.Add(searchInterval) {
		if picked := s.pick(addresses(1), now); len(picked) > 0 {
			s.tried(answers(picked, false), false, now)
			tries++
		}
	}
	if want := int(searchPatience/searchInterval + (time.Hour-searchPatience)/restInterval); tries < want-2 || tries > want+2 {
		t.Errorf("%d tries in an hour, want %d", tries, want)
	}
	if s.pick(nil, start); len(s.tries) > 0 {
		t.Errorf("%v is remembered, and not wanted", s.tries)
	}
	if picked := s.pick(addresses(1), start.Add(time.Hour)); len(picked) != 1 {
		t.Error("who is missing anew is not looked for at once")
	}
}

func TestSearchLeavesWhoAnsweredAlone(t *testing.T) {
	s := newSearch()
	s.tried(answers(s.pick(addresses(1, 2), start), true), false, start)
	if picked := s.pick(addresses(1, 2, 3), start.Add(searchInterval)); !slices.Equal(picked, addresses(3)) || !s.met(at(1), start.Add(searchInterval)) {
		t.Errorf("got %v", picked)
	}
	if picked := s.pick(addresses(1, 2), start.Add(metFor)); len(picked) != 2 {
		t.Errorf("after a while it tries %v", picked)
	}
	if s.met(at(1), start.Add(2*metFor)) || s.met(at(9), start) {
		t.Error("who did not answer is met")
	}
}

// Whichever addresses lead back, and whatever else answers, they are found out, each by a try that is all its own.
func TestSearchFindsWaysBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := newSearch(), start
		wanted := addresses(rapid.SliceOfNDistinct(rapid.Uint64Range(1, 40), 1, 20, rapid.ID).Draw(t, "wanted")...)
		kinds := map[netip.AddrPort]int{} // 0: silent, 1: answers, 2: leads back
		for _, a := range wanted {
			kinds[a] = rapid.IntRange(0, 2).Draw(t, a.String())
		}
		for range 200 {
			picked := s.pick(wanted, now)
			if len(picked) > searchWidth {
				t.Fatalf("%d addresses at once", len(picked))
			}
			answered, back := map[netip.AddrPort]bool{}, false
			for _, a := range picked {
				answered[a] = kinds[a] > 0
				back = back || kinds[a] == 2
			}
			s.tried(answered, back, now)
			now = now.Add(searchInterval)
		}
		for _, a := range wanted {
			if s.own[a] != (kinds[a] == 2) {
				t.Fatalf("%v is taken for own: %v, kinds %v", a, s.own[a], kinds)
			}
		}
	})
}
