package session

import (
	"halley/pushnode/wire"
)

// eventDialect is server-sent events: section 5.1 of web/docs/protocol.md.
type eventDialect struct {
	trail trail
}

// whole: an event has the cursor of its stream, which is the same for all that follow one channel and no other.
func (d *eventDialect) whole(one *item) []byte {
	message := one.message()
	if message == nil || !d.trail.isAlone(message.Channel) {
		return nil
	}
	var events []byte
	if bare := d.trail.only == message.Channel; one.batch != nil {
		events = one.batch.events(bare)
	} else {
		events = one.shared.MessageEvent(bare)
	}
	d.trail.follow(one.last())
	return events
}

func (d *eventDialect) encode(dst []byte, one *item) []byte {
	one.each(func(one *item) { dst = d.encodeOne(dst, one) })
	return dst
}

func (d *eventDialect) encodeOne(dst []byte, one *item) []byte {
	id := ""
	if d.trail.follow(one) {
		id = d.trail.cursor()
	}
	switch {
	case one.dropped > 0:
		return wire.AppendEvent(dst, droppedOf(one), id)
	case one.shared != nil:
		return one.shared.AppendEvent(dst, id)
	default:
		return dst
	}
}

// ping is an event that scripts can see. Nobody answers it.
func (d *eventDialect) ping() (text []byte, answered bool) {
	return wire.AppendEvent(nil, wire.Ping{}, ""), false
}

// farewell: a stream that its client does not read cannot tell it so.
func (d *eventDialect) farewell(reason *wire.Error) []byte {
	push := lastPush(reason)
	if push == nil || reason.Code == wire.CodeSlowConsumer {
		return nil
	}
	return wire.AppendEvent(nil, push, "")
}
