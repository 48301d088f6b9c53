package wire

import "halley/pushnode/channel"

// check holds a command that was read against its op. first is the first fault of its fields.
func (c *Command) check(r *reader, set *fieldSet, first *Error) *Error {
	if fault := r.end(); fault != nil {
		return fault
	}
	if set.seen == 0 && first != nil {
		return first // no object
	}
	if set.seen&fieldOp == 0 {
		return r.missing("op")
	}
	known, ok := operationOf(string(c.Op))
	if !ok && (first == nil || c.Op != "") {
		return r.errorf(CodeUnknownOp, set.at[fieldOp.index()], "/op", "there is no operation "+quote(string(c.Op)))
	}
	if first != nil {
		return first
	}
	if extra := set.seen &^ (known.needs | known.knows | fieldAlways); extra != 0 {
		name := fieldNames[extra.index()]
		problem := "the field " + quote(name) + " is not known to " + quote(string(c.Op))
		return r.errorf(CodeUnknownField, set.at[extra.index()], "/"+name, problem)
	}
	if absent := known.needs &^ set.seen; absent != 0 {
		return r.missing(fieldNames[absent.index()])
	}
	return c.finish(r, set)
}

// finish checks what fields say of each other, and gives those that were not sent their defaults.
func (c *Command) finish(r *reader, set *fieldSet) *Error {
	switch c.Op {
	case OpSubscribe:
		if set.seen&fieldSince != 0 && set.seen&fieldRewind != 0 {
			return r.errorf(CodeInvalidField, set.at[fieldRewind.index()], "/rewind", `"since" and "rewind" exclude each other`)
		}
	case OpConnect:
		if set.seen&fieldToken != 0 && set.seen&fieldKey != 0 {
			return r.errorf(CodeInvalidField, set.at[fieldKey.index()], "/key", `"token" and "key" exclude each other`)
		}
		if c.Token == "" && c.Key == "" {
			return r.missing("token")
		}
	case OpPublish:
		c.Echo = c.Echo || set.seen&fieldEcho == 0
	case OpHistory:
		if set.seen&fieldLimit == 0 {
			c.Limit = DefaultHistory
		}
	case OpEnter, OpUpdate:
		if len(c.Data) > channel.MaxPresenceBytes {
			return Errorf(CodeMessageTooLarge, "the presence data has %d bytes; %d are allowed", len(c.Data), channel.MaxPresenceBytes)
		}
	}
	return nil
}

// position reads a position, epoch:offset.
func (r *reader) position() (*channel.Position, *Error) {
	text, fault := r.text(positionProblem)
	if fault != nil {
		return nil, fault
	}
	position, fault := ParsePosition(text)
	return &position, fault
}

func positionProblem(text string) string {
	if _, err := channel.ParsePosition(text); err != nil {
		return "is not a position: epoch:offset is wanted"
	}
	return ""
}

// count reads a whole number within its bounds.
func (r *reader) count(low, high int) (int, *Error) {
	number, fault := r.integer(int64(low), int64(high))
	return int(number), fault
}

// direction reads which way history goes.
func (r *reader) direction() (forward bool, fault *Error) {
	text, fault := r.text(directionProblem)
	return text == directionForward, fault
}

// The directions of history.
const (
	directionForward  = "forward"
	directionBackward = "backward"
)

func directionProblem(text string) string {
	if text != directionForward && text != directionBackward {
		return `is neither "backward" nor "forward"`
	}
	return ""
}
