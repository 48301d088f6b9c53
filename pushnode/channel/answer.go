package channel

// Answer is what a query is answered with. Each query says which type it gets.
type Answer interface{ answer() }

// Reason says why a gap is told.
type Reason string

// The reasons of a gap: section 6 of web/docs/protocol.md.
const (
	ReasonEvicted       Reason = "evicted"
	ReasonPositionAhead Reason = "position_ahead"
	ReasonUnknownEpoch  Reason = "unknown_epoch"
	ReasonUncertain     Reason = "continuity_uncertain"
	ReasonSlowConsumer  Reason = "slow_consumer"
)

// Gap says that messages are missing. From and To are the first and last missing offsets, 0 where they are not known.
type Gap struct {
	Reason Reason
	From   uint64
	To     uint64
}

// Backlog is what a reader that starts somewhere receives first. After Publications it stands at Position; where that is Head,
// it has everything.
type Backlog struct {
	Gap          *Gap           // told before Publications
	From         Position       // where Publications begin: after this position
	Publications []*Publication // oldest first
	Position     Position       // of the last of Publications, or From
	Head         Position
}

// HistoryPage is a page of history.
type HistoryPage struct {
	Epoch        Epoch
	Publications []*Publication
	From         uint64 // where Publications begin: forward after this offset, backward with it
	More         bool   // there are more in that direction
	Gap          *Gap   // Since was given and continuity is not certain
}

// Info is what is known of a channel.
type Info struct {
	Name     string
	Position Position // the head
	Messages int      // publications kept
	Bytes    int
	Members  int // of presence
	Users    int // different clients among Members
	Version  uint64
	// Subscribers is how many follow the channel in the whole cluster. The state does not know: whoever hosts it adds them.
	Subscribers int
}

// InfoAnswer is what is known of a channel, and whether the slot holds it. Name and Position are right in any case.
type InfoAnswer struct {
	Info Info
	Held bool
	// Queued is how many messages wait for the subscriber that has most, where one cannot take more; 0: all can. Known of channels of
	// policy block alone, and not to the state: whoever hosts it adds it.
	Queued int
}

// Held says that the slot holds the channel.
type Held bool

// ChannelList is a page of an app's channels, ordered by name.
type ChannelList []Info

// MemberSet is a channel's presence, ordered by client id and session.
type MemberSet struct {
	Members []Member
	Version uint64
}

// Counts is how many channels a slot holds of each app, ordered by app.
type Counts []AppCount

// AppCount is how many channels a slot holds of an app.
type AppCount struct {
	App      string
	Channels int
}

// LiveSessions is sessions that have not ended: of a client ordered by id, else in the order in which they were asked for.
type LiveSessions []LiveSession

// LiveSession is what others need to know of a session that has not ended.
type LiveSession struct {
	ID         string
	Generation uint64
	Edge       uint64 // instance id of the node that it is attached to, or was last
	Attached   bool
}

func (Backlog) answer()      {}
func (HistoryPage) answer()  {}
func (InfoAnswer) answer()   {}
func (Held) answer()         {}
func (ChannelList) answer()  {}
func (MemberSet) answer()    {}
func (Counts) answer()       {}
func (LiveSessions) answer() {}

// Suits reports whether an answer is of the type that a query is answered with. Answers of other nodes are taken for one only then.
func Suits(query Query, answer Answer) (suits bool) {
	switch query.(type) {
	case BacklogQuery:
		_, suits = answer.(Backlog)
	case HistoryQuery:
		_, suits = answer.(HistoryPage)
	case InfoQuery:
		_, suits = answer.(InfoAnswer)
	case HoldsQuery:
		_, suits = answer.(Held)
	case ChannelsQuery:
		_, suits = answer.(ChannelList)
	case MembersQuery:
		_, suits = answer.(MemberSet)
	case CountQuery:
		_, suits = answer.(Counts)
	case SessionsQuery, AliveQuery:
		_, suits = answer.(LiveSessions)
	}
	return suits
}
