// Package history says what clients of a push service saw, and whether a service that keeps its promises can have shown it to them.
//
// A history is a list of events by one monotonic clock: what publishers asked for and were answered, what subscribers received, what
// members were told of each other, and which faults were made. Check goes over it in linear passes and returns every violation of the
// invariants (section 3.16 of the study of the cluster) that can be seen from the outside, and figures. It does no I/O, reads no clock
// and knows nothing of how the service works; it does not judge what only a node can see (terms, votes, hashes of copies).
// Start reading at Event, then at Check.
package history

import (
	"fmt"
	"time"
)

// Kind says what an Event tells.
type Kind uint8

// Of publishers. Each publication has one Invoke, any number of Retry, and at most one of OK, Refused and Unknown before it is
// published again on purpose, which is a Retry and another OK.
const (
	Invoke  Kind = iota + 1 // sent for the first time
	Retry                   // sent again, with the same id
	OK                      // acknowledged at Epoch:Offset by Copies nodes; Duplicate: as one that was there before
	Refused                 // answered that it was not stored, and no earlier try can have been
	Unknown                 // given up: it may have been stored
	Earlier                 // published before the history begins: it may be seen, and nothing is promised about it
)

// Of subscribers, each about one channel.
const (
	Attach    Kind = iota + 16 // the stream goes on after Epoch:Offset; Began is when the client started to connect
	Message                    // a message came
	Gap                        // told: From to To (0: not said) are missing, the stream goes on after Epoch:Offset
	Suspended                  // told: continuity cannot be decided now
	Read                       // a message stood in an answer to a history read, which says nothing about order
)

// Of sessions and of presence. A member is the session that entered.
const (
	Connected    Kind = iota + 32 // Session is connected; Resumed: it goes on; Lost: it was asked for, and another was given
	Disconnected                  // the client knows that its connection is gone
	Entered                       // Session was told that it is a member of Channel
	Ended                         // Session ended on purpose
	MemberEnter                   // Client was told that Session entered
	MemberLeave                   // Client was told that Session left
	Present                       // at rest, Session is listed as a member of Channel
	Counted                       // the list of the members of Channel is complete
)

// Of the run.
const (
	Error     Kind = iota + 48 // a request or a connection failed for Reason; it was tried again
	Fault                      // Reason is done to Client, a node
	Healed                     // the node named is well again
	Trouble                    // Client, a node, did not get well or did not end as it should: Reason
	Quiescent                  // publishers have stopped; what was acknowledged had time to arrive by the end of the history
)

// Event is one line of a history. Fields that the kind does not name are zero.
type Event struct {
	At        time.Duration `json:"at"` // since the run began
	Began     time.Duration `json:"began,omitzero"`
	Kind      Kind          `json:"kind"`
	Client    string        `json:"client,omitzero"` // who saw it; who was hurt
	Session   string        `json:"session,omitzero"`
	Channel   string        `json:"channel,omitzero"`
	ID        string        `json:"id,omitzero"`
	Epoch     string        `json:"epoch,omitzero"`
	Offset    uint64        `json:"offset,omitzero"`
	From      uint64        `json:"from,omitzero"`
	To        uint64        `json:"to,omitzero"`
	Copies    int           `json:"copies,omitzero"`
	Duplicate bool          `json:"duplicate,omitzero"`
	Resumed   bool          `json:"resumed,omitzero"`
	Lost      bool          `json:"lost,omitzero"`
	Status    int           `json:"status,omitzero"` // of the HTTP answer; 0: there was none
	Reason    string        `json:"reason,omitzero"`
}

// position is a place in a channel.
type position struct {
	channel, epoch string
	offset         uint64
}

func (e *Event) position() position { return position{e.Channel, e.Epoch, e.Offset} }

func (p position) String() string { return fmt.Sprintf("%s:%d", p.epoch, p.offset) }

var kindNames = map[Kind]string{
	Invoke: "invoke", Retry: "retry", OK: "ok", Refused: "refused", Unknown: "unknown", Earlier: "earlier",
	Attach: "attach", Message: "message", Gap: "gap", Suspended: "suspended", Read: "read",
	Connected: "connected", Disconnected: "disconnected", Entered: "entered", Ended: "ended",
	MemberEnter: "member_enter", MemberLeave: "member_leave", Present: "present", Counted: "counted",
	Error: "error", Fault: "fault", Healed: "healed", Trouble: "trouble", Quiescent: "quiescent",
}

// String is the kind's name in a history that is written.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) {
	if _, ok := kindNames[k]; !ok {
		return nil, fmt.Errorf("history: there is no %v", k)
	}
	return []byte(k.String()), nil
}
