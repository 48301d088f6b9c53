package channel

// Effect is what applying a command means for those who watch. Effects come in the order of the log.
type Effect interface{ effect() }

// Published is a new publication.
type Published struct {
	Channel     ID
	Epoch       Epoch
	Publication *Publication
}

// Action names a change of presence.
type Action string

// The changes of presence.
const (
	ActionEnter  Action = "enter"
	ActionUpdate Action = "update"
	ActionLeave  Action = "leave"
)

// PresenceChanged is a member that entered, left or changed its data.
type PresenceChanged struct {
	Channel ID
	Action  Action
	Member  Member
	// Only says that the client has no other member in the channel: who is told of clients and not of members is told of an enter or a leave
	// only then.
	Only    bool
	Version uint64
}

// PresenceDue asks that a session's memberships be ended (a final LeavePresence in each channel's slot, then PresenceCleared here):
// it was detached beyond its grace, or ended. It is repeated by later Advance commands until it has been done.
type PresenceDue struct {
	App        string
	Session    string
	ClientID   string
	Generation uint64
	Channels   []string
}

// SessionEnded says that a session is no more.
type SessionEnded struct {
	App     string
	Session string
	Edge    uint64 // where it was attached last
}

// SessionMoved says that a session was attached to another node than before, whether it was still attached there or not: what
// that node keeps for it is void.
type SessionMoved struct {
	App        string
	Session    string
	Generation uint64 // the new one
	From       uint64
	To         uint64
}

func (Published) effect()       {}
func (PresenceChanged) effect() {}
func (PresenceDue) effect()     {}
func (SessionEnded) effect()    {}
func (SessionMoved) effect()    {}
