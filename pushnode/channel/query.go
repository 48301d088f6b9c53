package channel

import "fmt"

// Query is one question about a slot's state. Answering it changes nothing. Queries and answers are values, so that a node which
// does not hold the slot can send the one and receive the other.
type Query interface{ query() }

// BacklogQuery asks what a reader that begins somewhere receives first. The answer is a Backlog.
type BacklogQuery struct {
	Channel ID
	Start   Start
	Limit   int // publications at most; below 1 is taken as 1
}

// Start says where a reader begins: after Since, or with the last Rewind publications, or (neither) after the head.
type Start struct {
	Since  *Position
	Rewind int
}

// HistoryQuery asks for a page of a channel's history. The answer is a HistoryPage.
type HistoryQuery struct {
	Channel ID        // heeded by State.Answer; State.History is told the channel beside the query
	Limit   int       // 1 to 1,000
	Forward bool      // oldest first; else newest first
	Since   *Position // forward: after it; backward: before it (its own offset excluded)
}

// MembersQuery asks for a channel's presence. The answer is a MemberSet.
type MembersQuery struct{ Channel ID }

// InfoQuery asks what is known of a channel. The answer is an InfoAnswer.
type InfoQuery struct{ Channel ID }

// HoldsQuery asks whether the slot holds a channel. The answer is Held.
type HoldsQuery struct{ Channel ID }

// ChannelsQuery asks for a page of an app's channels: State.Channels says what each field means. The answer is a ChannelList.
type ChannelsQuery struct {
	App    string
	Prefix string
	After  string
	Limit  int
}

// CountQuery asks how many channels the slot holds of each app. The answer is Counts.
type CountQuery struct{}

// SessionsQuery asks for the sessions of a client that have not ended. The answer is LiveSessions.
type SessionsQuery struct {
	App      string
	ClientID string
}

// AliveQuery asks which of these sessions have not ended. The answer is LiveSessions.
type AliveQuery struct {
	App      string
	Sessions []string
}

func (BacklogQuery) query()  {}
func (HistoryQuery) query()  {}
func (MembersQuery) query()  {}
func (InfoQuery) query()     {}
func (HoldsQuery) query()    {}
func (ChannelsQuery) query() {}
func (CountQuery) query()    {}
func (SessionsQuery) query() {}
func (AliveQuery) query()    {}

// Answer answers a query. The answer shares publications, data and lists with the state: it is not to be changed. A query of an
// unknown kind is a fault of the program: panic.
func (s *State) Answer(query Query) Answer {
	switch q := query.(type) {
	case BacklogQuery:
		return s.Backlog(q.Channel, q.Start, q.Limit)
	case HistoryQuery:
		return s.History(q.Channel, q)
	case MembersQuery:
		members, version := s.Members(q.Channel)
		return MemberSet{Members: members, Version: version}
	case InfoQuery:
		info, held := s.Info(q.Channel)
		return InfoAnswer{Info: info, Held: held}
	case HoldsQuery:
		return Held(s.Holds(q.Channel))
	case ChannelsQuery:
		return ChannelList(s.Channels(q.App, q.Prefix, q.After, q.Limit))
	case CountQuery:
		return s.counts()
	case SessionsQuery:
		return s.sessionsOf(q.App, q.ClientID)
	case AliveQuery:
		return s.alive(q.App, q.Sessions)
	}
	panic(fmt.Sprintf("channel: unknown query %T", query))
}
