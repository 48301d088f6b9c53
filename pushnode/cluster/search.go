package cluster

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Times of the search for peers (section 2.2 of the study on clusters).
const (
	searchInterval = 2 * time.Second        // while somebody is missing
	searchJitter   = 500 * time.Millisecond // at most, added to each interval
	searchPatience = 10 * time.Minute       // after which an address that never answers is tried only every restInterval
	restInterval   = 30 * time.Second       // between two look-ups of the seeds while nobody is missing
	metFor         = 30 * time.Second       // an address that answered, though no member says it is there, is not tried again
)

// searchWidth bounds the addresses that are tried at once.
const searchWidth = 8

// search remembers for each address that peers may be at when it was tried. It is pure: now is an argument.
type search struct {
	tries    map[netip.AddrPort]*try
	own      map[netip.AddrPort]bool // addresses that turned out to lead back here
	oneByOne bool                    // one of several addresses tried at once leads back here: which is found by trying each alone
}

// try is the history of one address.
type try struct {
	wanted time.Time // since when
	last   time.Time // zero: never
	met    time.Time // when it last answered; zero: never
}

func newSearch() *search {
	return &search{tries: map[netip.AddrPort]*try{}, own: map[netip.AddrPort]bool{}}
}

// pick returns the addresses to try now: those that were tried longest ago, at most searchWidth. It forgets all that are not wanted.
func (s *search) pick(wanted []netip.AddrPort, now time.Time) []netip.AddrPort {
	tries := map[netip.AddrPort]*try{}
	for _, address := range wanted {
		if tries[address] = s.tries[address]; tries[address] == nil {
			tries[address] = &try{wanted: now}
		}
	}
	s.tries = tries
	var due []netip.AddrPort
	for address, t := range tries {
		if !s.own[address] && t.due(now) {
			due = append(due, address)
		}
	}
	slices.SortFunc(due, func(a, b netip.AddrPort) int { return cmp.Or(tries[a].last.Compare(tries[b].last), a.Compare(b)) })
	width := searchWidth
	if s.oneByOne {
		width = 1
	}
	return due[:min(len(due), width)]
}

func (t *try) due(now time.Time) bool {
	switch {
	case !t.met.IsZero() && now.Sub(t.met) < metFor:
		return false
	case now.Sub(t.wanted) > searchPatience:
		return now.Sub(t.last) >= restInterval
	}
	return true
}

// tried takes in how the addresses of a pick answered, and whether one of them led back to this node.
func (s *search) tried(answered map[netip.AddrPort]bool, back bool, now time.Time) {
	var met []netip.AddrPort
	for address, ok := range answered {
		t := s.tries[address]
		if t == nil {
			continue
		}
		t.last = now
		if ok {
			t.met = now
			met = append(met, address)
		}
	}
	switch {
	case back && len(met) == 1:
		s.own[met[0]] = true
		s.oneByOne = false
	case back:
		s.oneByOne = true
		for _, address := range met {
			s.tries[address].met = time.Time{} // to be tried again at once
		}
	}
}

// met reports whether an address answered when it was last tried, or was to be.
func (s *search) met(address netip.AddrPort, now time.Time) bool {
	t := s.tries[address]
	return t != nil && !t.met.IsZero() && now.Sub(t.met) < 2*metFor
}
