package channel

import (
	"slices"
	"strings"
)

// live finds a session that has not ended.
func (s *State) live(app, id string) *sessionState {
	if known := s.sessions[ID{App: app, Name: id}]; known != nil && !known.ended {
		return known
	}
	return nil
}

// Session returns the record of a session that has not ended. Its lists are shared: not to be changed.
func (s *State) Session(app, id string) (Session, bool) {
	if known := s.live(app, id); known != nil {
		return known.session(), true
	}
	return Session{}, false
}

// sessionsOf finds the sessions of a client. It looks at every session of the slot.
func (s *State) sessionsOf(app, clientID string) LiveSessions {
	var found LiveSessions
	for id, known := range s.sessions {
		if id.App == app && known.record.clientID == clientID && !known.ended {
			found = append(found, known.live())
		}
	}
	slices.SortFunc(found, func(a, b LiveSession) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// alive finds those of the sessions that have not ended.
func (s *State) alive(app string, ids []string) LiveSessions {
	var found LiveSessions
	for _, id := range ids {
		if known := s.live(app, id); known != nil {
			found = append(found, known.live())
		}
	}
	return found
}

func (k *sessionState) live() LiveSession {
	return LiveSession{ID: k.id.Name, Generation: k.record.generation, Edge: k.record.edge, Attached: k.record.attached}
}
