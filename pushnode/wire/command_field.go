package wire

import "math/bits"

// field is one member that a command can have; values combine as bits.
type field uint32

const (
	fieldOp field = 1 << iota
	fieldRef
	fieldChannel
	fieldSince
	fieldRewind
	fieldPresence
	fieldEvent
	fieldID
	fieldData
	fieldEcho
	fieldLimit
	fieldDirection
	fieldToken
	fieldKey
	fieldSession
	fieldCursor

	fieldAlways = fieldOp | fieldRef
)

// fieldNames are the names of the fields, in the order of their bits.
var fieldNames = [...]string{
	"op", "ref", "channel", "since", "rewind", "presence", "event", "id", "data", "echo", "limit", "direction",
	"token", "key", "session", "cursor",
}

func fieldOf(name []byte) (field, bool) {
	for i, known := range fieldNames {
		if string(name) == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// index is the place in fieldNames of the lowest field of a set that is not empty.
func (f field) index() int { return bits.TrailingZeros32(uint32(f)) }

// operation says which fields an op must have, and which it may have besides.
type operation struct {
	op           Op
	needs, knows field
}

var operations = [...]operation{
	{OpConnect, 0, fieldToken | fieldKey | fieldSession | fieldCursor},
	{OpSubscribe, fieldChannel, fieldSince | fieldRewind | fieldPresence},
	{OpUnsubscribe, fieldChannel, 0},
	{OpPublish, fieldChannel | fieldData, fieldEvent | fieldID | fieldEcho},
	{OpEnter, fieldChannel, fieldData},
	{OpUpdate, fieldChannel | fieldData, 0},
	{OpLeave, fieldChannel, 0},
	{OpMembers, fieldChannel, 0},
	{OpHistory, fieldChannel, fieldLimit | fieldDirection | fieldSince},
	{OpToken, fieldToken, 0},
	{OpPing, 0, 0},
	{OpClose, 0, 0},
}

func operationOf(op string) (operation, bool) {
	for _, known := range operations {
		if op == string(known.op) {
			return known, true
		}
	}
	return operation{}, false
}

// command reads a command.
func (r *reader) command() (Command, *Error) {
	var command Command
	var set fieldSet
	fault := command.read(r, &set)
	if !r.broken {
		fault = command.check(r, &set, fault)
	}
	if fault != nil {
		return Command{Op: command.Op, Ref: command.Ref}, fault
	}
	return command, nil
}

// fieldSet is the fields that a command has, and where each stands.
type fieldSet struct {
	seen field
	at   [len(fieldNames)]int64
}

func (s *fieldSet) add(one field, at int64) {
	s.seen |= one
	s.at[one.index()] = at
}

// read reads all members. A field that is not valid does not stop it, so that ref is found wherever it stands; the first such
// fault is returned, or the fault of syntax that ended it.
func (c *Command) read(r *reader, set *fieldSet) (first *Error) {
	if fault := r.begin('{', "a command is a JSON object"); fault != nil {
		return fault
	}
	for {
		name, more, fault := r.member()
		if fault == nil && more {
			fault = c.readMember(r, name, set)
		}
		if r.broken {
			return fault
		}
		if !more {
			return first
		}
		if first == nil {
			first = fault
		}
	}
}

func (c *Command) readMember(r *reader, name []byte, set *fieldSet) *Error {
	one, known := fieldOf(name)
	if !known {
		return r.unknown(name)
	}
	set.add(one, r.nameAt)
	return c.readField(r, one)
}

func (c *Command) readField(r *reader, one field) (fault *Error) {
	switch one {
	case fieldOp:
		var op string
		op, fault = r.text(nil)
		c.Op = Op(op)
	case fieldRef:
		c.Ref, fault = r.integer(1, MaxRef)
	case fieldChannel:
		c.Channel, fault = r.channel()
	case fieldSince:
		c.Since, fault = r.position()
	case fieldRewind:
		c.Rewind, fault = r.count(0, MaxRewind)
	case fieldPresence:
		c.Presence, fault = r.flag()
	case fieldEvent:
		c.Event, fault = r.text(eventProblem)
	case fieldID:
		c.ID, fault = r.text(idProblem)
	case fieldData:
		c.Data, fault = r.data()
	case fieldEcho:
		c.Echo, fault = r.flag()
	case fieldLimit:
		c.Limit, fault = r.count(1, MaxHistory)
	case fieldDirection:
		c.Forward, fault = r.direction()
	case fieldToken:
		c.Token, fault = r.text(secretProblem)
	case fieldKey:
		c.Key, fault = r.text(secretProblem)
	case fieldSession:
		c.Session, fault = r.text(secretProblem)
	case fieldCursor:
		c.Cursor, fault = r.text(nil)
	}
	return fault
}
