package channel

// Command is one change of a slot's state. Commands reach the state only in batches, in the order of the slot's log.
type Command interface{ command() }

// Publish appends a publication to its channel, or answers with the position that its ID already has.
type Publish struct {
	Channel   ID
	ID        string // the publisher's, or one minted by the node that took the request: never empty
	Event     string
	Data      []byte // compact JSON; the state keeps it, so the caller must not touch it again
	Exclude   string
	ClientID  string // of who published, where it is known
	Retention Retention
	// Attempt is the caller's number for what it wants, the same each time it asks again because it does not know what came of it: what
	// it has stored itself is no duplicate. 0: every repeated ID is one.
	Attempt uint32
}

// Import appends publications that another cluster, or a generation of the slot that lost, had acknowledged: in their order, under
// new offsets, but for those whose ids the channel knows. It is to be proposed in commands of about as many bytes as other
// entries have. The answer's Position is the head.
type Import struct {
	Channel      ID
	Retention    Retention
	Publications []Imported // oldest first
}

// Imported is one publication of an Import: what Publish says of the fields holds here too.
type Imported struct {
	ID        string
	Event     string
	Data      []byte
	Exclude   string
	ClientID  string
	Timestamp int64 // Unix milliseconds at which it was accepted there
}

// EnterPresence makes (ClientID, Session) a member of Channel, or changes its data.
// A Generation older than the one that entered is refused with ErrGeneration.
type EnterPresence struct {
	Channel    ID
	ClientID   string
	Session    string
	Generation uint64
	Data       []byte
	Max        int // members the channel may have; ErrPresenceFull above it; 0: no bound
	// Attempt is the caller's number for what it wants, the same each time it asks again because it does not know what came of it:
	// the attempt that made the member what it is changes nothing. 0: every command counts.
	Attempt uint64
}

// LeavePresence ends a membership. To leave twice is not an error.
type LeavePresence struct {
	Channel    ID
	ClientID   string
	Session    string
	Generation uint64
	// Final says that nobody can enter under Generation any more: it answers PresenceDue. An EnterPresence of it, or of an earlier
	// one, that is applied within DepartureTTL is refused with ErrGeneration.
	Final bool
}

// AttachSession opens a session, or takes over the one of that id: the generation rises, older connections lose their right
// to change it. Where Secret does not match, or App or ClientID differ, the answer is ErrNoSession.
type AttachSession struct {
	App        string
	Session    string
	SecretHash [32]byte
	ClientID   string
	Edge       uint64 // instance id of the node that holds the connection
	Expires    int64  // Unix milliseconds at which the credential ends; 0: never
	Create     bool   // open it where it does not exist
	// Attempt is the caller's number for what it wants, the same each time it asks again because it does not know what came of it:
	// the attempt that made the present generation changes nothing, and is answered with the session as it is. Where that is not
	// attached any more, the caller has to attach anew. 0: every command counts.
	Attempt uint64
}

// UpdateSession records what the session follows. It replaces both lists.
type UpdateSession struct {
	App        string
	Session    string
	Generation uint64
	Expires    int64
	Channels   []Subscription
	Presence   []string // channels that it is a member of
}

// DetachSession says that the session has no connection; its timers start: PresenceGrace and SessionTTL.
type DetachSession struct {
	App        string
	Session    string
	Generation uint64
}

// EdgeLost says that a node died: the sessions that are attached there have no connection, and their timers start: LostGrace and
// SessionTTL. Those that were detached before keep their timers.
type EdgeLost struct {
	Edge uint64 // instance id
}

// RestartGrace starts the timers of all detached sessions anew. A new leader commits it first: while the slot had no leader,
// nobody could come back. It counts from before its entry, so that nothing falls due at the entry's own time.
type RestartGrace struct{}

// EndSession ends a session at once: its presence is to be cleared and it is forgotten when that is done.
type EndSession struct {
	App        string
	Session    string
	Generation uint64 // 0: whatever its generation
}

// PresenceCleared says that the session left these channels, so that the state need not ask for it again.
type PresenceCleared struct {
	App      string
	Session  string
	Channels []string
	// Generation is that of the PresenceDue which is answered: a report about an older one than the latest does not count.
	// 0: any.
	Generation uint64
}

// BreakEpoch opens a later generation of the slot after a recovery by force. Every channel goes on under a new epoch: something
// acknowledged may be missing, and positions of the old one are answered with ReasonUncertain or ReasonUnknownEpoch.
type BreakEpoch struct {
	Generation uint32 // not above the present one: nothing happens
	// Whole says that nothing acknowledged can be missing: positions up to the break are answered without a gap. What was told
	// beyond it, by a copy that went on as well, is of another generation, and as unknown as ever.
	Whole bool
}

// Occupy says whether somebody is there: that a channel is followed, or that a client is among its members. The leader of a slot says so
// of channels whose apps want to be told; where it is no news it changes nothing.
type Occupy struct {
	Channel  ID
	ClientID string // "": anybody who follows the channel
	Present  bool
}

// Announced says that hooks need not be told any more: they were, or nobody will.
type Announced struct {
	Hooks []uint64 // their numbers
}

// Advance does nothing but move the state's clock: what is too old goes.
type Advance struct{}

func (Publish) command()         {}
func (Import) command()          {}
func (EnterPresence) command()   {}
func (LeavePresence) command()   {}
func (AttachSession) command()   {}
func (UpdateSession) command()   {}
func (DetachSession) command()   {}
func (EdgeLost) command()        {}
func (RestartGrace) command()    {}
func (EndSession) command()      {}
func (PresenceCleared) command() {}
func (BreakEpoch) command()      {}
func (Occupy) command()          {}
func (Announced) command()       {}
func (Advance) command()         {}

// Subscription is one channel that a session follows.
type Subscription struct {
	Channel  string
	Presence bool
}

// Session is the record of a session.
type Session struct {
	App        string
	ID         string
	ClientID   string
	Generation uint64
	Edge       uint64
	Attached   bool
	Since      int64 // Unix milliseconds at which it was attached or detached
	Expires    int64
	Channels   []Subscription
	Presence   []string
}

// Member is one member of a channel's presence.
type Member struct {
	ClientID string
	Session  string
	Data     []byte // compact JSON, or nil
}
