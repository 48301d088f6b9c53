package host

import (
	"maps"
	"slices"

	"halley/pushnode/channel"
)

// interest is what this node's clients follow in a slot, and from whom it hears what happens there: from its own copy, or else from the
// leader, or else from another copy that a link reaches. A source tells every message of a channel in order; whoever changes the
// source, or may have missed something of it, compares where the channels stand.
type interest struct {
	channels map[channel.ID]int // with how many subscribers here
	source   uint64             // instance; 0: nobody
	changed  map[channel.ID]bool
	// congested is the channels of policy block with a subscriber here that cannot take more.
	congested map[channel.ID]congestion
	whole     bool  // the leader is to be told all counts
	blind     int64 // since when channels are followed without a source; 0: they are not
}

// deaf is how long (milliseconds) our own copy may hear nothing from its leader before it is no source any more.
const deaf = 1500

func (i *interest) init() {
	i.channels, i.changed = make(map[channel.ID]int), make(map[channel.ID]bool)
	i.congested = make(map[channel.ID]congestion)
}

// Follow says how many subscribers a channel has here; none: it is not followed any more. Order matters, so one caller at a time may
// do so for a channel.
func (h *Host) Follow(now int64, index int, id channel.ID, count int) {
	s := &h.seats[index]
	s.enter(now)
	_, known := s.interest.channels[id]
	if count > 0 {
		s.interest.channels[id] = count
	} else {
		delete(s.interest.channels, id)
	}
	if known || count > 0 {
		s.interest.change(id)
		s.soon()
	}
	if known != (count > 0) {
		s.tellSource(id, count > 0)
	}
	s.leave()
}

// maxChanged bounds the channels of which a leader is told one by one. Beyond it is told all.
const maxChanged = 1024

// change takes note that a channel has another number of subscribers than the leader was told.
func (i *interest) change(id channel.ID) {
	if len(i.changed) == maxChanged {
		i.whole = true
		clear(i.changed)
	}
	if !i.whole {
		i.changed[id] = true
	}
}

func (s *seat) tellSource(id channel.ID, follow bool) {
	switch source := s.interest.source; source {
	case 0:
		s.chooseSource()
	case s.host.config.Self:
	default:
		what := kindUnfollow
		if follow {
			what = kindFollow
		}
		s.host.outside.Send(source, Data, appendChannels(beginFrame(what, s.index, frameRoom), false, []channel.ID{id}))
	}
}

// chooseSource takes the best source that there is now. From a new one it learns where all channels stand.
func (s *seat) chooseSource() {
	next := s.bestSource()
	old := s.interest.source
	if next == old {
		return
	}
	s.interest.source = next
	if old != 0 && old != s.host.config.Self {
		s.host.outside.Send(old, Data, appendChannels(beginFrame(kindUnfollow, s.index, frameRoom), true, nil))
	}
	s.begin()
}

// begin follows everything at the source anew.
func (s *seat) begin() {
	s.missed = true
	channels := s.followed()
	switch source := s.interest.source; {
	case source == 0 || len(channels) == 0:
	case source == s.host.config.Self:
		s.tellBehind(s.heads(channels))
	default:
		s.host.outside.Send(source, Data, appendChannels(beginFrame(kindFollow, s.index, frameRoom), true, channels))
	}
}

func (s *seat) bestSource() uint64 {
	if s.hearsLeader(s.now) {
		return s.host.config.Self
	}
	if len(s.interest.channels) == 0 {
		return 0
	}
	v := s.host.view.Load()
	if v.linked[s.route.leader] {
		return s.route.leader
	}
	for _, voter := range s.route.voters {
		if v.linked[voter] {
			return voter
		}
	}
	return 0
}

// followed is the channels followed here, in order.
func (s *seat) followed() []channel.ID { return sortedIDs(s.interest.channels) }

// sortedIDs is the keys of a map of channels in order.
func sortedIDs[V any](m map[channel.ID]V) []channel.ID {
	return slices.SortedFunc(maps.Keys(m), channel.ID.Compare)
}

// heads is where channels stand in our own copy.
func (s *seat) heads(channels []channel.ID) []head {
	state := s.copy.State()
	list := make([]head, len(channels))
	for i, id := range channels {
		info, _ := state.Info(id)
		list[i] = head{id: id, position: info.Position, version: info.Version}
	}
	return list
}

func (s *seat) tellBehind(heads []head) {
	for _, one := range heads {
		s.host.outside.Behind(one.id, one.position, one.version)
	}
}

// compare takes in where channels stand at the source.
func (s *seat) compare(from uint64, heads []head) {
	if from == s.interest.source {
		s.tellBehind(heads)
	}
}

// sourceGone takes in that a node which we follow has no copy.
func (s *seat) sourceGone(from uint64, found route) {
	if from == s.interest.source {
		s.interest.source = 0
	}
	s.learn(found)
}

// refresh looks at the source again, and tells the leader how many subscribers channels have here, where that has changed.
func (s *seat) refresh() {
	s.chooseSource()
	s.noteSight()
	i := &s.interest
	leader := s.route.leader
	if !i.whole && len(i.changed) == 0 || leader == 0 {
		return
	}
	var list []subscribers
	if i.whole {
		for _, id := range s.followed() {
			list = append(list, subscribers{id: id, count: i.channels[id]})
		}
	} else {
		for id := range i.changed {
			list = append(list, subscribers{id: id, count: i.channels[id]})
		}
		slices.SortFunc(list, func(a, b subscribers) int { return a.id.Compare(b.id) })
	}
	if leader == s.host.config.Self {
		s.count(leader, i.whole, list)
	} else if !s.host.outside.Send(leader, Data, appendOccupancy(beginFrame(kindOccupancy, s.index, frameRoom), i.whole, list)) {
		return
	}
	i.whole = false
	clear(i.changed)
}

// reportAll has the leader told of all counts: it is a new one.
func (s *seat) reportAll() {
	s.interest.whole = len(s.interest.channels) > 0
	s.tellCongestions()
}
