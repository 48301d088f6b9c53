package wire

import "halley/pushnode/channel"

// Op names a command: section 4.2 of web/docs/protocol.md.
type Op string

// The commands.
const (
	OpConnect     Op = "connect"
	OpSubscribe   Op = "subscribe"
	OpUnsubscribe Op = "unsubscribe"
	OpPublish     Op = "publish"
	OpEnter       Op = "enter"
	OpUpdate      Op = "update"
	OpLeave       Op = "leave"
	OpMembers     Op = "members"
	OpHistory     Op = "history"
	OpToken       Op = "token"
	OpPing        Op = "ping"
	OpClose       Op = "close"
)

// Command is what a client asks for. Fields that the operation does not have are zero, those that were not sent have their
// defaults. Names, ids and bounds have been checked; what the client may do has not.
type Command struct {
	Op      Op
	Ref     int64 // 0: answered only if it fails
	Channel string

	Since    *channel.Position // subscribe, history
	Rewind   int               // subscribe
	Presence bool              // subscribe

	Event string // publish; empty: none was given
	ID    string // publish; empty: none was given
	Data  []byte // publish, enter, update: compact JSON of its own; nil: none was given
	Echo  bool   // publish: also to this session, which is the default

	Limit   int  // history: 1 to MaxHistory, by default DefaultHistory
	Forward bool // history: oldest first

	Token   string // connect, token
	Key     string // connect
	Session string // connect: a resume token
	Cursor  string // connect
}

// Start is where a subscribe begins.
func (c Command) Start() channel.Start { return channel.Start{Since: c.Since, Rewind: c.Rewind} }

// HistoryQuery is the page that a history command asks for.
func (c Command) HistoryQuery() channel.HistoryQuery {
	return channel.HistoryQuery{Limit: c.Limit, Forward: c.Forward, Since: c.Since}
}

// DecodeCommand reads a client's frame. frame is not kept. With an error comes a Command that holds what could be read of Op
// and Ref, so that the error can be answered.
func DecodeCommand(frame []byte) (Command, *Error) {
	r := read(frame, 0, "")
	defer r.release()
	return r.command()
}

// CommandItem is one command of many. Where Err is set, Command holds what could be read of Op and Ref.
type CommandItem struct {
	Command
	Err *Error
}

// Commands is the body of POST /v1/commands.
type Commands struct {
	Session string // a resume token
	Items   []CommandItem
}

// DecodeCommands reads the body of POST /v1/commands: at most MaxBatch commands. What is wrong with one spoils no other.
func DecodeCommands(body []byte) (Commands, *Error) {
	r := readLenient(body)
	defer r.release()
	var commands Commands
	var raw []rawItem
	fault := r.members("the body is a JSON object", func(name string) (known bool, fault *Error) {
		switch name {
		case "session":
			commands.Session, fault = r.text(secretProblem)
		case "commands":
			raw, fault = r.items(name, MaxBatch)
		default:
			return false, nil
		}
		return true, fault
	})
	switch {
	case fault != nil:
	case commands.Session == "":
		fault = r.missing("session")
	case raw == nil:
		fault = r.missing("commands")
	default:
		fault = r.end()
	}
	if fault != nil {
		return Commands{}, fault
	}
	for _, one := range raw {
		commands.Items = append(commands.Items, one.command())
	}
	return commands, nil
}

func (i rawItem) command() CommandItem {
	r := i.read()
	defer r.release()
	command, fault := r.command()
	if fault == nil && command.Op == OpConnect {
		fault = r.errorf(CodeUnknownOp, 0, "", `"connect" belongs to the WebSocket protocol`)
	}
	return CommandItem{Command: command, Err: fault}
}
