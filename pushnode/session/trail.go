package session

import (
	"strconv"
	"strings"

	"halley/pushnode/wire"
)

// trail is the cursor of a stream or poll: where its client stands in each channel once it has what was written. It is kept as
// clients see it, since it is written far more often than read.
type trail struct {
	only  string // the channel of a request that names exactly one: while there is no other, a bare position is a cursor
	steps []step
}

type step struct {
	channel string
	epoch   string
	offset  uint64
}

// begin takes in where the client says that it stands: what is not told yet must not be lost from its cursor. It does not keep the
// request.
func (t *trail) begin(cursor wire.Cursor) {
	for _, item := range cursor {
		t.set(strings.Clone(item.Channel), item.Position.Epoch.String(), item.Position.Offset)
	}
}

// follow moves the trail by what is written, and reports whether that has a place in the stream of messages.
func (t *trail) follow(one *item) (moved bool) {
	if message := one.message(); message != nil {
		t.set(message.Channel, message.Epoch, message.Offset)
		return true
	}
	if one.own != nil && one.own.left != "" {
		t.remove(one.own.left)
	}
	if one.shared == nil {
		return one.dropped > 0
	}
	switch push := one.shared.Push().(type) {
	case *wire.Subscribed:
		t.set(push.Channel, push.Epoch, push.Offset)
	case *wire.Gap:
		t.set(push.Channel, push.Epoch, push.Offset)
	case *wire.Unsubscribed:
		t.remove(push.Channel)
		return false
	default:
		return false
	}
	return true
}

// isAlone reports whether a channel is the only one of the trail.
func (t *trail) isAlone(name string) bool { return len(t.steps) == 1 && t.steps[0].channel == name }

func (t *trail) set(name, epoch string, offset uint64) {
	for i := range t.steps {
		if t.steps[i].channel == name {
			t.steps[i].epoch, t.steps[i].offset = epoch, offset
			return
		}
	}
	t.steps = append(t.steps, step{channel: name, epoch: epoch, offset: offset})
}

func (t *trail) remove(name string) {
	for i := range t.steps {
		if t.steps[i].channel == name {
			t.steps = append(t.steps[:i], t.steps[i+1:]...)
			return
		}
	}
}

// cursor is the text of the trail; empty before anything was written.
func (t *trail) cursor() string {
	if len(t.steps) == 1 && t.steps[0].channel == t.only {
		return t.steps[0].epoch + ":" + strconv.FormatUint(t.steps[0].offset, 10)
	}
	var text []byte
	for _, s := range t.steps {
		text = wire.AppendCursorItem(text, s.channel, s.epoch, s.offset)
	}
	return string(text)
}
