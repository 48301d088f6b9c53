package session

import (
	"sync"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// item is one thing that waits to be written: a push, encoded once for all its receivers, several messages of a channel, or something for
// this connection alone. Every idle connection has room for one: it is small.
type item struct {
	shared  *wire.Shared
	batch   *batch        // where shared is nil: messages
	own     *own          // where both are
	sub     *subscription // of messages or a marker; nil: of no subscription
	dropped uint64        // a marker of policy lossy: so many messages were let go of at this place
	order   uint64        // given by the outbox; rises
}

// own is what is for one connection alone.
type own struct {
	frame []byte // a WebSocket frame: an answer, or control
	left  string // a marker: from here on the client does not follow this channel any more
}

// leftItem is the marker of a channel that was left.
func leftItem(name string) item { return item{own: &own{left: name}} }

// frameItem is a WebSocket frame for one connection.
func frameItem(frame []byte) item { return item{own: &own{frame: frame}} }

// batch is messages of one channel, in their order, that go to all its receivers together. It is immutable once it is in a queue.
type batch struct {
	messages []*wire.Shared
	frames   []byte // of all messages, one behind the other

	kept       wire.KeptEvents // what events returns
	deflated   wire.Kept       // what deflatedFrames returns
	translated wire.Kept       // what translatedFrames returns
	placed     wire.Kept       // the same, placed
}

// deflatedFrames is frames, compressed one by one. They are joined once.
func (b *batch) deflatedFrames() []byte {
	return b.deflated.Get(func() (frames []byte) {
		for _, message := range b.messages {
			frames = append(frames, message.DeflatedFrame(frame.AppendDeflated)...)
		}
		return frames
	})
}

// translatedFrames is the messages in another protocol, as wire.Shared.TranslatedFrame has them. They are joined once.
func (b *batch) translatedFrames(placed bool, translate func(dst []byte, push wire.Push) []byte) []byte {
	kept := &b.translated
	if placed {
		kept = &b.placed
	}
	return kept.Get(func() (frames []byte) {
		for _, message := range b.messages {
			frames = append(frames, message.TranslatedFrame(placed, translate)...)
		}
		return frames
	})
}

// events is the server-sent events of the messages, as wire.Shared.MessageEvent has them. They are joined once.
func (b *batch) events(bare bool) []byte {
	return b.kept.Get(bare, func() (events []byte) {
		for _, message := range b.messages {
			events = append(events, message.MessageEvent(bare)...)
		}
		return events
	})
}

func (i *item) size() int {
	switch {
	case i.shared != nil:
		return len(i.shared.Frame())
	case i.batch != nil:
		return len(i.batch.frames)
	case i.own != nil:
		return len(i.own.frame)
	default:
		return 0
	}
}

// weight is how many places it takes in a queue.
func (i *item) weight() int {
	if i.batch != nil {
		return len(i.batch.messages)
	}
	return 1
}

// push is the push that waits; nil where it is something else.
func (i *item) push() wire.Push {
	if i.shared == nil {
		return nil
	}
	return i.shared.Push()
}

// message is the first message that waits here; nil: there is none.
func (i *item) message() *wire.Message {
	shared := i.shared
	if i.batch != nil {
		shared = i.batch.messages[0]
	}
	if shared == nil || i.sub == nil {
		return nil
	}
	message, _ := shared.Push().(*wire.Message)
	return message
}

// last is the last message of the item, which has one.
func (i *item) last() *item {
	if i.batch == nil {
		return i
	}
	return &item{shared: i.batch.messages[len(i.batch.messages)-1], sub: i.sub}
}

// each calls do with every push of the item.
func (i *item) each(do func(one *item)) {
	if i.batch == nil {
		do(i)
		return
	}
	for _, shared := range i.batch.messages {
		do(&item{shared: shared, sub: i.sub})
	}
}

// spareItems is how many items have a place in a spare queue.
const spareItems = 8

// spares are queues that nobody has anything in. One that has grown beyond their size is no spare any more.
var spares = sync.Pool{New: func() any { return new([spareItems]item) }}

func spareQueue() []item { return spares.Get().(*[spareItems]item)[:0] }

// letGo takes an empty queue back. What it held must have been cleared.
func letGo(queue []item) {
	if cap(queue) == spareItems {
		spares.Put((*[spareItems]item)(queue[:spareItems]))
	}
}
