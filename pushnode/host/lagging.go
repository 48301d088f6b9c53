package host

import (
	"slices"

	"halley/pushnode/channel"
)

// What a slow node does not take is not kept for it. Where more than lagBytes wait for a node that follows channels, it is sent no more
// messages and no changes of presence; when that is down to half, it is told once where the channels stand of which it missed some, and its
// clients read the rest from history. So an edge that reads nothing costs lagBytes and a note for each channel, and raft, which shares
// the link's queue, goes on.
const (
	lagBytes = 16 << 20 // of the 64 MB beyond which a link is given up
	lagPage  = 1024     // channels in one frame
)

// lagging is the channels of which nodes missed something, by node.
type lagging map[uint64]map[channel.ID]struct{}

func (l lagging) note(edge uint64, id channel.ID) {
	if l[edge] == nil {
		l[edge] = make(map[channel.ID]struct{})
	}
	l[edge][id] = struct{}{}
}

// takes reports whether a node is sent what happens in a channel. Once it missed something of it, it has to hear where that stands first.
func (s *seat) takes(edge uint64, id channel.ID) bool {
	_, missed := s.followers.lagging[edge][id]
	return !missed && s.host.outside.Queued(edge, Data) < lagBytes
}

// passTo sends what happened in a channel, encoded once, to the nodes that follow it and keep up.
func (s *seat) passTo(effect channel.Effect, id channel.ID) {
	edges := s.followers.edges[id]
	var late []uint64
	for _, edge := range edges {
		if !s.takes(edge, id) { // asked once: queues grow and shrink meanwhile, and who is passed over must be noted
			s.followers.lagging.note(edge, id)
			late = append(late, edge)
		}
	}
	if len(late) > 0 {
		edges = slices.DeleteFunc(slices.Clone(edges), func(edge uint64) bool { return slices.Contains(late, edge) })
		s.soon()
	}
	s.pass(effect, edges)
}

// catchUp tells nodes that take something again where the channels stand of which they missed something.
func (s *seat) catchUp() {
	lagging := s.followers.lagging
	for _, edge := range sortedKeys(lagging) {
		if s.host.outside.Queued(edge, Data) >= lagBytes/2 {
			continue
		}
		missed := sortedIDs(lagging[edge])
		delete(lagging, edge)
		for page := range slices.Chunk(missed, lagPage) {
			s.host.outside.Send(edge, Data, appendHeads(beginFrame(kindHeads, s.index, frameRoom), s.heads(page)))
		}
	}
}
