package channel

import (
	"slices"
	"time"
)

// Batch is one entry of a slot's log.
type Batch struct {
	Proposer uint64 // instance id of the node that proposed it
	Ticket   uint64 // the proposer's own number for it
	Now      int64  // the proposer's clock: Unix milliseconds
	Commands []Command
}

// batchVersion is the first byte of a batch. A reader refuses every other.
const batchVersion = 1

// The kinds of command, as encoded. They are never reused.
const (
	codeAdvance = iota + 1
	codePublish
	codeEnterPresence
	codeLeavePresence
	codeAttachSession
	codeUpdateSession
	codeDetachSession
	codeEndSession
	codePresenceCleared
	codeBreakEpoch
)

// AppendBatch appends the encoding of a batch to dst. Retention.Age is encoded in whole milliseconds.
func AppendBatch(dst []byte, b Batch) []byte {
	w := writer{data: append(slices.Grow(dst, b.sizeHint()), batchVersion)}
	w.fixed(b.Proposer)
	w.number(b.Ticket)
	w.signed(b.Now)
	w.count(len(b.Commands))
	for _, command := range b.Commands {
		w.command(command)
	}
	return w.data
}

// sizeHint is about how long the encoding gets: exact enough for entries of publications, which are kept, to waste little.
func (b *Batch) sizeHint() int {
	const header, rest = 32, 32 // bytes beside the texts, of a batch and of a command
	size := header
	for _, command := range b.Commands {
		size += rest
		if c, ok := command.(Publish); ok {
			size += len(c.Channel.App) + len(c.Channel.Name) + len(c.ID) + len(c.Event) + len(c.Data) + len(c.Exclude)
		}
	}
	return size
}

// DecodeBatch reads what AppendBatch wrote. The texts and data of the commands share data's memory, which must not change from
// then on: a publication is in memory once, in its log entry. Its errors wrap ErrEncoding.
func DecodeBatch(data []byte) (Batch, error) {
	r := reader{data: data, rest: data}
	if version := r.byte(); version != batchVersion {
		r.fail("version")
	}
	b := Batch{Proposer: r.fixed(), Ticket: r.number(), Now: r.signed()}
	if count := r.count(); count > 0 {
		b.Commands = make([]Command, 0, count)
		for range count {
			b.Commands = append(b.Commands, r.command())
		}
	}
	if err := r.end(); err != nil {
		return Batch{}, err
	}
	return b, nil
}

func (w *writer) command(command Command) {
	switch c := command.(type) {
	case Advance:
		w.byte(codeAdvance)
	case Publish:
		w.byte(codePublish)
		w.publish(&c)
	case EnterPresence:
		w.byte(codeEnterPresence)
		w.id(c.Channel)
		w.text(c.ClientID)
		w.text(c.Session)
		w.number(c.Generation)
		w.bytes(c.Data)
		w.signed(int64(c.Max))
	case LeavePresence:
		w.byte(codeLeavePresence)
		w.id(c.Channel)
		w.text(c.ClientID)
		w.text(c.Session)
		w.number(c.Generation)
	case AttachSession:
		w.byte(codeAttachSession)
		w.attach(&c)
	case UpdateSession:
		w.byte(codeUpdateSession)
		w.session(c.App, c.Session, c.Generation)
		w.signed(c.Expires)
		w.subscriptions(c.Channels)
		w.texts(c.Presence)
	case DetachSession:
		w.byte(codeDetachSession)
		w.session(c.App, c.Session, c.Generation)
	case EndSession:
		w.byte(codeEndSession)
		w.session(c.App, c.Session, c.Generation)
	case PresenceCleared:
		w.byte(codePresenceCleared)
		w.session(c.App, c.Session, c.Generation)
		w.texts(c.Channels)
	case BreakEpoch:
		w.byte(codeBreakEpoch)
		w.number(uint64(c.Generation))
	}
}

func (r *reader) command() Command {
	switch r.byte() {
	case codeAdvance:
		return Advance{}
	case codePublish:
		return r.publish()
	case codeEnterPresence:
		return EnterPresence{
			Channel: r.id(), ClientID: r.text(), Session: r.text(), Generation: r.number(), Data: r.bytes(), Max: int(r.signed()),
		}
	case codeLeavePresence:
		return LeavePresence{Channel: r.id(), ClientID: r.text(), Session: r.text(), Generation: r.number()}
	case codeAttachSession:
		return r.attach()
	case codeUpdateSession:
		return UpdateSession{
			App: r.text(), Session: r.text(), Generation: r.number(),
			Expires: r.signed(), Channels: r.subscriptions(), Presence: r.texts(),
		}
	case codeDetachSession:
		return DetachSession{App: r.text(), Session: r.text(), Generation: r.number()}
	case codeEndSession:
		return EndSession{App: r.text(), Session: r.text(), Generation: r.number()}
	case codePresenceCleared:
		return PresenceCleared{App: r.text(), Session: r.text(), Generation: r.number(), Channels: r.texts()}
	case codeBreakEpoch:
		return BreakEpoch{Generation: r.number32()}
	}
	r.fail("kind of command")
	return Advance{}
}

func (w *writer) publish(c *Publish) {
	w.id(c.Channel)
	w.text(c.ID)
	w.text(c.Event)
	w.bytes(c.Data)
	w.text(c.Exclude)
	w.retention(c.Retention)
}

func (r *reader) publish() Publish {
	return Publish{
		Channel: r.id(), ID: r.text(), Event: r.text(), Data: r.bytes(), Exclude: r.text(), Retention: r.retention(),
	}
}

func (w *writer) attach(c *AttachSession) {
	w.text(c.App)
	w.text(c.Session)
	w.data = append(w.data, c.SecretHash[:]...)
	w.text(c.ClientID)
	w.fixed(c.Edge)
	w.signed(c.Expires)
	w.bool(c.Create)
}

func (r *reader) attach() AttachSession {
	return AttachSession{
		App: r.text(), Session: r.text(), SecretHash: r.secret(), ClientID: r.text(),
		Edge: r.fixed(), Expires: r.signed(), Create: r.bool(),
	}
}

func (w *writer) session(app, session string, generation uint64) {
	w.text(app)
	w.text(session)
	w.number(generation)
}

func (w *writer) retention(keep Retention) {
	w.signed(int64(keep.Messages))
	w.signed(int64(keep.Bytes))
	w.signed(keep.Age.Milliseconds())
}

func (r *reader) retention() Retention {
	return Retention{Messages: int(r.signed()), Bytes: int(r.signed()), Age: r.milliseconds()}
}

// maxAge is the longest Age that fits a time.Duration.
const maxAge = int64(1<<63-1) / int64(time.Millisecond)

func (r *reader) milliseconds() time.Duration {
	count := r.signed()
	if count > maxAge || count < -maxAge {
		r.fail("age")
		return 0
	}
	return time.Duration(count) * time.Millisecond
}

func (w *writer) subscriptions(list []Subscription) {
	w.count(len(list))
	for _, subscription := range list {
		w.text(subscription.Channel)
		w.bool(subscription.Presence)
	}
}

func (r *reader) subscriptions() []Subscription {
	count := r.count()
	if count == 0 {
		return nil
	}
	list := make([]Subscription, 0, count)
	for range count {
		list = append(list, Subscription{Channel: r.text(), Presence: r.bool()})
	}
	return list
}
