package channel

import "time"

// Policy says what happens when a subscriber's queue is full.
type Policy string

// The delivery policies.
const (
	PolicyResume Policy = "resume" // let the queue go, feed from history when the socket can take more
	PolicyBlock  Policy = "block"  // drop nothing; publishers get 429
	PolicyLatest Policy = "latest" // keep only the newest message
	PolicyLossy  Policy = "lossy"  // drop the oldest, count it, tell the client
)

// Rule is what an app says of the channels whose names begin with Prefix. The longest prefix wins.
type Rule struct {
	Prefix        string
	Public        bool // a publishable key may subscribe and read history
	ClientPublish bool // a publishable key may publish
	Presence      bool // a publishable key may read and enter presence
	Policy        Policy
	Retention     Retention
}

// Retention bounds what a channel remembers. It travels in each publish command, so that every copy of the slot trims alike.
// Each bound is literal: a zero in any of them keeps nothing.
type Retention struct {
	Messages int           // at most so many publications; 0 keeps none
	Bytes    int           // at most so many bytes of event, id and data
	Age      time.Duration // at most so old; millisecond resolution
}

// Limits of DESIGN 7.5 that belong to the state itself.
const (
	MaxNameBytes     = 200              // a channel's name
	DedupeWindow     = 2 * time.Minute  // how long a publication's id is remembered at least
	MaxDedupeIDs     = 10_000           // ids remembered per channel at most: 16 bytes each
	SessionTTL       = 2 * time.Minute  // how long a detached session is kept
	PresenceGrace    = 15 * time.Second // how long its presence outlives its connection
	LostGrace        = 60 * time.Second // the same where the node was lost, and all its clients come back at once
	TombstoneTTL     = 10 * time.Minute // an idle-dropped channel's epoch and head are kept so long
	MaxPresenceBytes = 2 << 10          // one member's data
)

// DefaultRetention holds where no rule says otherwise.
var DefaultRetention = Retention{Messages: 100, Bytes: 4 << 20, Age: 2 * time.Minute}
