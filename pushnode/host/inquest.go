package host

import (
	"cmp"

	"halley/pushnode/channel"
)

const (
	// inquestInterval is how often a leader asks whether the sessions of its channels' members live, and how long ago they must have
	// entered, in milliseconds: no ghost outlives two times a session's (note, 3.14, I16).
	inquestInterval = 60_000
	// inquestPage bounds how many members of a slot are asked about in one sweep: their sessions are in as many other slots.
	inquestPage = 64
	// inquestTime is how long an answer may take, in milliseconds. Without one the member is asked about in the next round.
	inquestTime = 10_000
	// inquestPatience is how long after a majority was lost everybody who had entered by then is asked about, in milliseconds: by then a node
	// has looked at each of its sessions, and attached again those whose record is no more.
	inquestPatience = 40_000
)

// inquest is how far a leader has got in asking after its members.
type inquest struct {
	due    int64 // when to go on
	last   witness
	before int64 // members who entered before that moment are asked about, however short ago that was
	after  int64 // the loss of a majority that this takes care of, or took
}

// witness is one member of one channel of the slot, and the session that it stands for.
type witness struct {
	id         channel.ID
	clientID   string
	session    string
	generation uint64
}

func (w *witness) compare(other *witness) int {
	return cmp.Or(
		cmp.Compare(w.id.App, other.id.App), cmp.Compare(w.id.Name, other.id.Name),
		cmp.Compare(w.clientID, other.clientID), cmp.Compare(w.session, other.session),
	)
}

// beginInquest spreads the slots' rounds over the interval.
func (s *seat) beginInquest() {
	s.inquest = inquest{due: s.now + int64(s.index+1)*inquestInterval/int64(len(s.host.seats)), after: s.inquest.after}
}

// doubtAll begins a round that leaves nobody out, where a slot has lost its majority since the last such round: it may have lost sessions
// whose members stand here. Who leads only now asks when its turn comes.
func (s *seat) doubtAll() {
	doubted := s.host.doubted.Load()
	if doubted <= s.inquest.after {
		return
	}
	due := s.inquest.due
	if soon := doubted + inquestPatience; soon > s.now {
		due = soon
	}
	s.inquest = inquest{due: due, before: doubted, after: doubted}
}

// inquire asks after the next members, if that is due. Every way in which a session ends takes its memberships along; this is for those
// that nobody thought of.
func (s *seat) inquire() {
	s.doubtAll()
	if s.now < s.inquest.due {
		return
	}
	page := s.nextWitnesses()
	if len(page) < inquestPage {
		s.inquest = inquest{due: s.now + inquestInterval, after: s.inquest.after}
	} else {
		s.inquest.last = page[len(page)-1]
	}
	if len(page) > 0 {
		h, begun, index := s.host, s.now, s.index
		s.finished = append(s.finished, finished{done: func(Reply) { h.askAfter(begun, index, page) }})
	}
}

// nextWitnesses are the members that come after the last ones, a page at most.
func (s *seat) nextWitnesses() (page []witness) {
	state := s.copy.State()
	if state.Usage().Members == 0 {
		return nil
	}
	state.EachMember(max(s.now-inquestInterval, s.inquest.before), func(id channel.ID, one channel.Member, generation uint64) bool {
		found := witness{id: id, clientID: one.ClientID, session: one.Session, generation: generation}
		if found.compare(&s.inquest.last) > 0 {
			page = append(page, found)
		}
		return len(page) < inquestPage
	})
	return page
}

// askAfter asks the slots of members' sessions whether those live.
func (h *Host) askAfter(begun int64, index int, page []witness) {
	type group struct {
		app  string
		slot int
	}
	groups := make(map[group][]witness)
	var order []group
	for _, one := range page {
		at := group{one.id.App, h.SlotOf(one.id.App, one.session)}
		if groups[at] == nil {
			order = append(order, at)
		}
		groups[at] = append(groups[at], one)
	}
	for _, at := range order {
		members := groups[at]
		query := channel.AliveQuery{App: at.app}
		for _, one := range members {
			query.Sessions = append(query.Sessions, one.session)
		}
		h.Query(begun, at.slot, query, begun+inquestTime, func(reply Reply) {
			if reply.Err == nil {
				h.takeOut(begun, index, members, reply.Answer.(channel.LiveSessions))
			}
		})
	}
}

// takeOut ends the memberships of those among members whose session is not among the living. A session that has ended does not come
// back, so nothing is lost if it takes a while.
func (h *Host) takeOut(begun int64, index int, members []witness, living channel.LiveSessions) {
	lives := make(map[string]bool, len(living))
	for _, one := range living {
		lives[one.ID] = true
	}
	for _, one := range members {
		if lives[one.session] {
			continue
		}
		h.config.Logger.Warn("a member whose session is no more leaves", "slot", index, "app", one.id.App, "session", one.session)
		leave := channel.LeavePresence{
			Channel: one.id, ClientID: one.clientID, Session: one.session, Generation: one.generation, Final: true,
		}
		h.Propose(begun, index, leave, begun+inquestTime, func(Reply) {}) // what fails is found again by the next round
	}
}
