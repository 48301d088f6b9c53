package channel

import (
	"maps"
	"slices"
	"strings"
)

// Usage is how much a state holds.
type Usage struct {
	Channels     int
	Tombstones   int // dropped channels whose numbers are kept
	Sessions     int // those that have ended and wait for their presence to be cleared included
	Members      int
	Publications int
	Bytes        int // of publications, as Retention.Bytes counts
	DedupeIDs    int
}

// Usage returns the state's size. It costs nothing.
func (s *State) Usage() Usage { return s.usage }

// Now returns the state's clock: Unix milliseconds.
func (s *State) Now() int64 { return s.now }

// Hash is a running hash of the commands applied and of what came of them. Copies of a slot that have applied the same entries
// have the same hash; it is part of snapshots.
func (s *State) Hash() uint64 { return uint64(s.digest) }

// NextDeadline returns the moment (Unix milliseconds) from which an Advance changes something. It may be early by as much as the
// state has changed since. false: only commands change something.
func (s *State) NextDeadline() (int64, bool) {
	if len(s.timers) == 0 {
		return 0, false
	}
	return s.timers[0].at, true
}

// Info returns what is known of a channel, and whether the slot holds it. Name and Position are right in any case.
func (s *State) Info(id ID) (Info, bool) {
	seen := s.look(id)
	return Info{
		Name:     id.Name,
		Position: Position{Epoch: s.epoch(&seen.numbering), Offset: seen.head},
		Messages: seen.history.len(),
		Bytes:    seen.history.bytes,
		Members:  seen.members.size(),
		Users:    seen.members.users(),
		Version:  seen.version,
	}, seen.held
}

// Holds reports whether the slot holds the channel. It is cheap enough for every command.
func (s *State) Holds(id ID) bool { return s.channels[id] != nil }

// CountChannels adds to counts how many channels the slot holds of each app. It looks at every channel of the slot.
func (s *State) CountChannels(counts map[string]int) {
	for id := range s.channels {
		counts[id.App]++
	}
}

// counts is CountChannels in order.
func (s *State) counts() Counts {
	byApp := make(map[string]int)
	s.CountChannels(byApp)
	counts := make(Counts, 0, len(byApp))
	for _, app := range slices.Sorted(maps.Keys(byApp)) {
		counts = append(counts, AppCount{App: app, Channels: byApp[app]})
	}
	return counts
}

// Channels lists an app's channels that the slot holds: those whose names begin with prefix and come after the name after, at
// most limit (at least 1) of them, ordered by name. It looks at every channel of the slot.
func (s *State) Channels(app, prefix, after string, limit int) []Info {
	var names []string
	for id := range s.channels {
		if id.App == app && id.Name > after && strings.HasPrefix(id.Name, prefix) {
			names = append(names, id.Name)
		}
	}
	slices.Sort(names)
	names = names[:min(len(names), max(limit, 1))]
	infos := make([]Info, len(names))
	for i, name := range names {
		infos[i], _ = s.Info(ID{App: app, Name: name})
	}
	return infos
}
