package channel

import (
	"cmp"
	"slices"
	"strings"
)

// memberKey is what a member is unique by in its channel.
type memberKey struct {
	clientID string
	session  string
}

type member struct {
	session    string
	generation uint64 // of the session, when it last entered
	attempt    uint64 // that made the member what it is
	since      int64  // when it last entered: Unix milliseconds
	data       []byte
	// others is the further members of the same client, by session: nil for most. It is kept with the one that clients has.
	others map[string]*member
}

// members is the presence set of a channel, by client: how many clients there are, and whether a member is its client's only one, costs
// the same however many members there are. nil is an empty set.
type members struct {
	clients map[string]*member // one member of each client, by the client's id
	count   int                // of members
}

// size is how many members there are.
func (m *members) size() int {
	if m == nil {
		return 0
	}
	return m.count
}

// users is how many different clients the members are of.
func (m *members) users() int {
	if m == nil {
		return 0
	}
	return len(m.clients)
}

// find returns a member, or nil.
func (m *members) find(key memberKey) *member {
	if m == nil {
		return nil
	}
	first := m.clients[key.clientID]
	if first == nil || first.session == key.session {
		return first
	}
	return first.others[key.session]
}

// only reports whether the client, which has a member, has no other.
func (m *members) only(clientID string) bool { return len(m.clients[clientID].others) == 0 }

// add puts in a member that is not there yet. The set keeps the client's id.
func (m *members) add(clientID string, entered *member) {
	m.count++
	first := m.clients[clientID]
	if first == nil {
		m.clients[clientID] = entered
		return
	}
	if first.others == nil {
		first.others = make(map[string]*member)
	}
	first.others[entered.session] = entered
}

// remove takes out a member that is there. In the place of a client's first one comes another, whichever: the order shows nowhere. Its
// place in the map is left as it is, for with the key that is given here the map would keep a log entry in memory.
func (m *members) remove(key memberKey) {
	m.count--
	first := m.clients[key.clientID]
	if first.session != key.session {
		first.others = without(first.others, key.session)
		return
	}
	for _, next := range first.others {
		others := without(first.others, next.session)
		*first = *next
		first.others = others
		return
	}
	delete(m.clients, key.clientID)
}

// without takes a member out of the map, and lets go of one that is empty: a map does not shrink by itself.
func without(others map[string]*member, session string) map[string]*member {
	delete(others, session)
	if len(others) == 0 {
		return nil
	}
	return others
}

// present is a member and whose it is.
type present struct {
	clientID string
	*member
}

func (p present) public() Member {
	return Member{ClientID: p.clientID, Session: p.session, Data: p.data}
}

// sorted is all members, ordered by client id and session.
func (m *members) sorted() []present {
	if m == nil {
		return nil
	}
	list := make([]present, 0, m.count)
	for clientID, first := range m.clients {
		list = append(list, present{clientID, first})
		for _, other := range first.others {
			list = append(list, present{clientID, other})
		}
	}
	slices.SortFunc(list, func(a, b present) int {
		return cmp.Or(strings.Compare(a.clientID, b.clientID), strings.Compare(a.session, b.session))
	})
	return list
}
