package channel

import "slices"

// view is a channel as readers see it: held, dropped or never begun.
type view struct {
	numbering
	history history
	members *members
	version uint64
	held    bool
}

func (s *State) look(id ID) view {
	if held := s.channels[id]; held != nil {
		return view{held.numbering, held.history, held.members, held.version, true}
	}
	if dropped := s.tombstones[id]; dropped != nil {
		return view{numbering: dropped.numbering, version: dropped.version}
	}
	return view{numbering: s.unbegun(id)}
}

// evicted is the last offset that has left the history.
func (v *view) evicted() uint64 { return v.head - uint64(v.history.len()) }

// following copies a page of the publications with offsets above after, at most limit of them.
func (v *view) following(after uint64, limit int) []*Publication {
	from := int(after - v.evicted())
	count := v.history.pageAfter(from, min(v.history.len()-from, limit))
	return v.history.slice(from, from+count)
}

// preceding copies a page of the publications up to and with last, at most limit of them, the oldest first.
func (v *view) preceding(last uint64, limit int) []*Publication {
	end := int(last - v.evicted())
	count := v.history.pageBefore(end, min(end, limit))
	return v.history.slice(end-count, end)
}

// Backlog returns what a reader that begins at start receives first: at most limit (at least 1) publications, and a gap where
// what follows its position is not all there or cannot be proven to be. A page that limit, or MaxPageBytes, cut off is not a gap: Position is not
// yet Head. Where Since means nothing to the channel, Rewind is heeded in its place.
func (s *State) Backlog(id ID, start Start, limit int) Backlog {
	seen := s.look(id)
	var gap *Gap
	after := seen.head - min(uint64(max(start.Rewind, 0)), uint64(seen.history.len()))
	if start.Since != nil {
		if offset, told := s.resume(&seen, *start.Since); told == nil || told.Reason != ReasonUnknownEpoch {
			after, gap = offset, told
		} else {
			gap = told
		}
	}
	epoch := s.epoch(&seen.numbering)
	publications := seen.following(after, max(limit, 1))
	return Backlog{
		Gap:          gap,
		From:         Position{Epoch: epoch, Offset: after},
		Publications: publications,
		Position:     Position{Epoch: epoch, Offset: after + uint64(len(publications))},
		Head:         Position{Epoch: epoch, Offset: seen.head},
	}
}

// resume answers a position: the offset after which the reader goes on, and the gap that it must be told of. These are the rows
// of the resume table (DESIGN.md); a tombstone is a channel with an empty history. After ReasonUnknownEpoch the offset means
// nothing.
func (s *State) resume(seen *view, since Position) (uint64, *Gap) {
	var gap *Gap
	switch {
	case since.Epoch == s.epoch(&seen.numbering) && since.Offset > seen.head:
		return seen.head, &Gap{Reason: ReasonPositionAhead}
	case since.Epoch == s.epoch(&seen.numbering):
	case since.Epoch.Cluster == s.cluster && seen.survived(since):
		if !slices.Contains(s.lineage, since.Epoch.Generation) {
			gap = &Gap{Reason: ReasonUncertain}
		}
	default:
		return 0, &Gap{Reason: ReasonUnknownEpoch}
	}
	evicted := seen.evicted()
	if since.Offset >= evicted {
		return since.Offset, gap
	}
	if gap == nil {
		gap = &Gap{Reason: ReasonEvicted}
	}
	gap.From, gap.To = since.Offset+1, evicted
	return evicted, gap
}

// History returns a page of what the channel keeps. Where Since means nothing to the channel, the page begins as without it.
func (s *State) History(id ID, query HistoryQuery) HistoryPage {
	seen := s.look(id)
	limit := max(query.Limit, 1)
	var page HistoryPage
	if query.Forward {
		page = s.forward(&seen, query.Since, limit)
	} else {
		page = s.backward(&seen, query.Since, limit)
	}
	page.Epoch = s.epoch(&seen.numbering)
	return page
}

func (s *State) forward(seen *view, since *Position, limit int) HistoryPage {
	var gap *Gap
	after := seen.evicted()
	if since != nil {
		var offset uint64
		if offset, gap = s.resume(seen, *since); gap == nil || gap.Reason != ReasonUnknownEpoch {
			after = offset
		}
	}
	publications := seen.following(after, limit)
	return HistoryPage{Publications: publications, From: after, More: after+uint64(len(publications)) < seen.head, Gap: gap}
}

func (s *State) backward(seen *view, since *Position, limit int) HistoryPage {
	var gap *Gap
	last := seen.head
	if since != nil {
		last, gap = s.before(seen, *since)
	}
	evicted := seen.evicted()
	if last <= evicted {
		return HistoryPage{From: last, Gap: gap}
	}
	publications := seen.preceding(last, limit)
	slices.Reverse(publications)
	return HistoryPage{Publications: publications, From: last, More: last-uint64(len(publications)) > evicted, Gap: gap}
}

// before returns the last offset before a position. Where all before it has been evicted, that is a gap too.
func (s *State) before(seen *view, since Position) (uint64, *Gap) {
	_, gap := s.resume(seen, since)
	if gap != nil && (gap.Reason == ReasonPositionAhead || gap.Reason == ReasonUnknownEpoch) {
		return seen.head, gap
	}
	last := since.Offset - min(since.Offset, 1)
	lost := last > 0 && last <= seen.evicted()
	switch {
	case gap != nil && gap.Reason == ReasonUncertain:
		gap = &Gap{Reason: ReasonUncertain}
	case lost:
		gap = &Gap{Reason: ReasonEvicted}
	default:
		return last, nil
	}
	if lost {
		gap.From, gap.To = 1, last
	}
	return last, gap
}
