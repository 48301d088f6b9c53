package wire

import (
	"strconv"
	"strings"

	"halley/pushnode/channel"
)

// Cursor is the positions of several channels: section 1 of web/docs/protocol.md.
type Cursor []CursorItem

// CursorItem is the position of one channel.
type CursorItem struct {
	Channel  string
	Position channel.Position
}

const (
	cursorItems    = "~" // between items
	cursorPosition = "*" // between a channel's name and its position

	// MaxCursorItems bounds what ParseCursor reads. It is far above what a connection may follow.
	MaxCursorItems = 1000
)

// ParseCursor reads a cursor. only is the channel of a request that names exactly one, for which a bare position is a cursor
// too; otherwise it is empty. The text "" is an empty cursor.
func ParseCursor(text, only string) (Cursor, *Error) {
	if text == "" {
		return nil, nil
	}
	if only != "" && !strings.Contains(text, cursorPosition) {
		position, fault := ParsePosition(text)
		if fault != nil {
			return nil, fault
		}
		return Cursor{{Channel: only, Position: position}}, nil
	}
	if strings.Count(text, cursorItems) >= MaxCursorItems {
		return nil, Errorf(CodeInvalidField, "the cursor has more than %d items", MaxCursorItems)
	}
	var cursor Cursor
	seen := make(map[string]bool)
	for item := range strings.SplitSeq(text, cursorItems) {
		parsed, fault := parseCursorItem(item)
		if fault != nil {
			return nil, fault
		}
		if seen[parsed.Channel] {
			return nil, Errorf(CodeInvalidField, "the cursor has the channel %s twice", quote(parsed.Channel))
		}
		seen[parsed.Channel] = true
		cursor = append(cursor, parsed)
	}
	return cursor, nil
}

func parseCursorItem(item string) (CursorItem, *Error) {
	name, position, found := strings.Cut(item, cursorPosition)
	if !found {
		return CursorItem{}, Errorf(CodeInvalidField, "the cursor's item %s is not channel*epoch:offset", quote(item))
	}
	if fault := ValidChannel(name); fault != nil {
		return CursorItem{}, fault
	}
	at, fault := ParsePosition(position)
	if fault != nil {
		return CursorItem{}, fault
	}
	return CursorItem{Channel: name, Position: at}, nil
}

// ParsePosition reads a position, epoch:offset.
func ParsePosition(text string) (channel.Position, *Error) {
	position, err := channel.ParsePosition(text)
	if err != nil {
		return channel.Position{}, Errorf(CodeInvalidField, "%s is not a position: epoch:offset is wanted", quote(text)).Because(err)
	}
	return position, nil
}

// Append appends the cursor's text.
func (c Cursor) Append(dst []byte) []byte {
	for i, item := range c {
		if i > 0 {
			dst = append(dst, cursorItems...)
		}
		dst = append(dst, item.Channel...)
		dst = append(dst, cursorPosition...)
		dst = item.Position.Append(dst)
	}
	return dst
}

// String is the cursor's text.
func (c Cursor) String() string { return string(c.Append(nil)) }

// AppendCursorItem appends one item, after a separator unless dst is empty. It serves those who keep positions as clients see
// them: an epoch's text and an offset.
func AppendCursorItem(dst []byte, name, epoch string, offset uint64) []byte {
	if len(dst) > 0 {
		dst = append(dst, cursorItems...)
	}
	dst = append(dst, name...)
	dst = append(dst, cursorPosition...)
	dst = append(dst, epoch...)
	return strconv.AppendUint(append(dst, ':'), offset, 10)
}
