package wire

// Push is what the server says unasked: section 4.3 of web/docs/protocol.md. Each push has one JSON object, the same on every
// transport; what surrounds it is the dialect's.
type Push interface {
	// Op is the push's name.
	Op() string
	Object
}

// Message is a publication as clients see it. Data is JSON already. ClientID is left out where it is empty.
type Message struct {
	Channel   string
	Event     string
	Data      []byte
	ID        string
	Epoch     string
	Offset    uint64
	Timestamp int64
	ClientID  string // of who published it
	Rewound   bool   // it is from before a subscription that asked for the last few: for protocols that say so; this one does not
}

// Connected opens a connection. Resume, ClientID and Expires are left out where they are zero. Ref answers the command connect.
type Connected struct {
	Ref          int64
	Session      string
	Resume       string
	Resumed      bool
	ClientID     string
	Expires      int64 // Unix ms
	Time         int64 // Unix ms
	Ping         int64 // ms
	Timeout      int64 // ms
	MessageBytes int
	Channels     int
}

// Subscribed says that a subscription came back.
type Subscribed struct {
	Channel   string
	Epoch     string
	Offset    uint64
	Recovered bool
}

// Unsubscribed says that the server ended a subscription.
type Unsubscribed struct {
	Channel string
	Err     *Error
}

// Member is one member of a channel's presence. Data is JSON, or nil.
type Member struct {
	ClientID string
	Session  string
	Data     []byte
}

// Presence is a change of one member, or (Action "sync") the whole set.
type Presence struct {
	Channel string
	Action  string // enter, update, leave, sync
	Member  Member
	Members []Member // sync
	Version uint64
	Only    bool // the client has no other member in the channel: for protocols that tell of clients; this one does not show it
}

// Gap says that messages are missing: section 6. From and To are left out where they are 0.
type Gap struct {
	Channel string
	Reason  string
	From    uint64
	To      uint64
	Epoch   string
	Offset  uint64
}

// Dropped says how many messages the policy lossy let go of.
type Dropped struct {
	Channel string
	Count   uint64
}

// Suspended says that continuity cannot be decided now. RetryAfter is in ms.
type Suspended struct {
	Channel    string
	RetryAfter int64
}

// Expiring warns that the credential ends.
type Expiring struct {
	Expires int64 // Unix ms
	In      int64 // ms
}

// Drain tells when to come back. ReconnectIn is in ms.
type Drain struct{ ReconnectIn int64 }

// Ping says only that the server lives.
type Ping struct{}

// Fault is an error that no command asked for.
type Fault struct{ Err *Error }
