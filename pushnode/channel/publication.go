package channel

// Publication is one stored message. It is immutable once applied and shared by everyone who delivers it.
type Publication struct {
	ID       string
	Offset   uint64
	Event    string
	Data     []byte // compact JSON
	Exclude  string // id of the session that must not receive it; empty: none
	ClientID string // of who published it; empty: not known
	Time     int64  // Unix milliseconds at which the slot's log accepted it
}
