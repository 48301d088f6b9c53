package channel

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
	Version  uint64
}
