package host

import (
	"slices"

	"halley/pushnode/channel"
)

// followers is who hears from our copy what happens in channels, and at a leader how many subscribers each node has told of. It is
// gone with the copy: those who follow begin anew at another.
type followers struct {
	edges   map[channel.ID][]uint64 // instances, ascending
	lagging lagging
	counts  map[uint64]map[channel.ID]int

	congested congested
}

func (f *followers) init() {
	f.edges, f.lagging, f.counts = make(map[channel.ID][]uint64), make(lagging), make(map[uint64]map[channel.ID]int)
	f.congested = make(congested)
}

// follow has a node hear of channels from now on, or not any more, and tells it where they stand.
func (s *seat) follow(edge uint64, begins, whole bool, channels []channel.ID) {
	if whole {
		s.followers.forget(edge)
	}
	if !begins {
		for _, id := range channels {
			s.followers.remove(id, edge)
		}
		return
	}
	if s.copy == nil || s.status.Applied == 0 {
		s.host.outside.Send(edge, Data, s.route.append(beginFrame(kindNoSource, s.index, frameRoom)))
		return
	}
	for _, id := range channels {
		list := s.followers.edges[id]
		if i, found := slices.BinarySearch(list, edge); !found {
			s.followers.edges[id] = slices.Insert(list, i, edge)
		}
	}
	s.host.outside.Send(edge, Data, appendHeads(beginFrame(kindHeads, s.index, frameRoom), s.heads(channels)))
}

func (f *followers) remove(id channel.ID, edge uint64) {
	delete(f.lagging[edge], id)
	list := f.edges[id]
	i, found := slices.BinarySearch(list, edge)
	switch {
	case !found:
	case len(list) == 1:
		delete(f.edges, id)
	default:
		f.edges[id] = slices.Delete(list, i, i+1)
	}
}

// forget takes a node out of all lists.
func (f *followers) forget(edge uint64) {
	delete(f.lagging, edge)
	for id := range f.edges {
		f.remove(id, edge)
	}
}

// all is every node that hears from us, in order.
func (f *followers) all() []uint64 {
	seen := make(map[uint64]bool)
	for _, list := range f.edges {
		for _, edge := range list {
			seen[edge] = true
		}
	}
	return sortedKeys(seen)
}

// forgetCounts forgets the counts of a lead that has ended: what changes from now on is told to another. The next lead begins without any.
func (f *followers) forgetCounts() {
	clear(f.counts)
	clear(f.congested)
}

// gone tells those who hear from our copy that it is no more.
func (f *followers) gone(s *seat) {
	frame := s.route.append(beginFrame(kindNoSource, s.index, frameRoom))
	for _, edge := range f.all() {
		s.host.outside.Send(edge, Data, frame)
	}
	f.init()
}

// count takes in how many subscribers channels have at a node, where our copy leads.
func (s *seat) count(edge uint64, whole bool, list []subscribers) {
	if !s.status.Leads {
		return // whoever does is told everything
	}
	var before map[channel.ID]int // that are told of no more, if whole
	if whole || s.followers.counts[edge] == nil {
		before = s.followers.counts[edge]
		s.followers.counts[edge] = make(map[channel.ID]int)
	}
	counts := s.followers.counts[edge]
	for _, one := range list {
		if one.count > 0 {
			counts[one.id] = one.count
		} else {
			delete(counts, one.id)
		}
	}
	if len(counts) == 0 {
		delete(s.followers.counts, edge)
	}
	if s.status.Settled {
		s.noticeCounts(before, list)
	}
}

// hand takes what happened in the slot to those who watch: this node's clients, those of nodes that hear from our copy, and the node
// that a session's fate is for. restored: something happened before that is not known in detail.
func (s *seat) hand(effects []channel.Effect, restored bool) {
	if restored {
		s.begin()
		for _, edge := range s.followers.all() {
			s.host.outside.Send(edge, Data, appendHeads(beginFrame(kindHeads, s.index, frameRoom), s.heads(s.followers.of(edge))))
		}
	}
	if len(effects) == 0 {
		return
	}
	if !s.ignored(effects) {
		s.host.outside.Deliver(s.index, effects, s.status.Leads)
	}
	for _, effect := range effects {
		switch what := effect.(type) {
		case channel.Published:
			s.passTo(effect, what.Channel)
		case channel.PresenceChanged:
			s.passTo(effect, what.Channel)
			s.noticeMember(what)
		case channel.SessionEnded:
			s.tell(effect, what.Edge)
		case channel.SessionMoved:
			s.tell(effect, what.From)
		case channel.PresenceDue:
			if s.status.Leads {
				s.clear(what)
			}
		}
	}
}

// ignored reports whether nothing happened but publications to channels that nobody follows here: then nobody need be woken. Who
// follows a channel from now on reads what was before from its history.
func (s *seat) ignored(effects []channel.Effect) bool {
	return !slices.ContainsFunc(effects, func(effect channel.Effect) bool {
		published, is := effect.(channel.Published)
		return !is || s.interest.channels[published.Channel] > 0
	})
}

// of is the channels that a node hears of from us, in order.
func (f *followers) of(edge uint64) (list []channel.ID) {
	for id, edges := range f.edges {
		if _, found := slices.BinarySearch(edges, edge); found {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, channel.ID.Compare)
	return list
}

// pass sends one effect, encoded once, to the nodes that follow its channel.
func (s *seat) pass(effect channel.Effect, edges []uint64) {
	if len(edges) == 0 {
		return
	}
	frame := channel.AppendEffects(beginFrame(kindDeliver, s.index, frameRoom), []channel.Effect{effect})
	for _, edge := range edges {
		s.host.outside.Send(edge, Data, frame)
	}
}

// tell sends the fate of a session to the node that it is for.
func (s *seat) tell(effect channel.Effect, edge uint64) {
	if s.status.Leads && edge != s.host.config.Self && edge != 0 {
		s.pass(effect, []uint64{edge})
	}
}
