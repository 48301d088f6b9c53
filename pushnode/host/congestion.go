package host

import (
	"encoding/binary"

	"halley/pushnode/channel"
)

// Publishers to a channel of policy block are refused while a subscriber cannot take more, and both may be at any node. So a node tells
// the leader of the channel when one of its subscribers is full, again while that is so, and when it is over; whoever publishes asks the
// leader for where the channel stands anyway, and hears of it. What was told ends with its link, and by itself when nothing follows.
const (
	congestedAgain = 500  // milliseconds after which a node repeats that a subscriber is full
	congestedFor   = 2000 // milliseconds for which that holds
	// maxCongested bounds the channels of a slot of which nodes are believed that a subscriber is full. Beyond it further ones are not
	// known to be: those who are there before keep the publishers out.
	maxCongested = 1 << 12
)

// congestion is a channel with a full subscriber at this node.
type congestion struct {
	queued int
	toldAt int64 // the leader
}

// congested is what nodes have told a leader.
type congested map[congestedAt]congestedBy

type congestedAt struct {
	id   channel.ID
	edge uint64
}

type congestedBy struct {
	queued int
	until  int64
}

// Congest says that so many messages wait for a subscriber here that cannot take more; 0: that is over. While it is so it wants to be
// called more often than each half second.
func (h *Host) Congest(now int64, index int, id channel.ID, queued int) {
	s := &h.seats[index]
	s.enter(now)
	defer s.leave()
	c, known := s.interest.congested[id]
	switch {
	case queued == 0 && !known:
		return
	case queued == 0:
		delete(s.interest.congested, id)
	case known && s.now < c.toldAt+congestedAgain:
		return
	default:
		s.interest.congested[id] = congestion{queued: queued, toldAt: s.now}
	}
	s.tellCongestion(id, queued)
}

func (s *seat) tellCongestion(id channel.ID, queued int) {
	switch leader := s.route.leader; leader {
	case 0:
	case s.host.config.Self:
		s.hearCongestion(leader, id, queued)
	default:
		s.host.outside.Send(leader, Data, appendCongestion(beginFrame(kindCongestion, s.index, frameRoom), id, queued))
	}
}

// tellCongestions tells another leader, or one that a link reaches again, at once.
func (s *seat) tellCongestions() {
	for _, id := range sortedIDs(s.interest.congested) {
		if c := s.interest.congested[id]; s.now < c.toldAt+congestedFor {
			s.tellCongestion(id, c.queued)
		} else {
			delete(s.interest.congested, id)
		}
	}
}

// hearCongestion takes in what a node tells of one of its subscribers.
func (s *seat) hearCongestion(edge uint64, id channel.ID, queued int) {
	at := congestedAt{id, edge}
	if queued == 0 {
		delete(s.followers.congested, at)
		return
	}
	if _, known := s.followers.congested[at]; !known && len(s.followers.congested) >= maxCongested {
		s.endCongestions(func(at congestedAt) bool { return s.now >= s.followers.congested[at].until })
		if len(s.followers.congested) >= maxCongested {
			return
		}
	}
	s.followers.congested[at] = congestedBy{queued: queued, until: s.now + congestedFor}
}

func (s *seat) endCongestions(which func(congestedAt) bool) {
	for at := range s.followers.congested {
		if which(at) {
			delete(s.followers.congested, at)
		}
	}
}

// queued is how many messages wait for the subscriber of a channel that has most, where one cannot take more; 0: all can.
func (s *seat) queued(id channel.ID) (most int) {
	for at, by := range s.followers.congested {
		if at.id == id && s.now < by.until {
			most = max(most, by.queued)
		}
	}
	return most
}

func appendCongestion(dst []byte, id channel.ID, queued int) []byte {
	return binary.AppendUvarint(appendChannel(dst, id), uint64(queued))
}

func (r *frameReader) congestion() (id channel.ID, queued int) { return r.channel(), int(r.Number32()) }
