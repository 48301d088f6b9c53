package channel

import (
	"fmt"
	"time"
)

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
	codeEdgeLost
	codeRestartGrace
	codeImport
	codeOccupy
	codeAnnounced
)

// AppendCommand appends the encoding of one command to dst: what a batch holds of it. A command of an unknown kind is a fault of
// the program: panic.
func AppendCommand(dst []byte, command Command) []byte {
	w := newWriter(dst)
	w.command(command)
	return w.Data
}

// DecodeCommand reads what AppendCommand wrote. The command shares no memory with data. Errors wrap ErrEncoding.
func DecodeCommand(data []byte) (Command, error) { return decode(data, (*reader).command) }

func (w *writer) command(command Command) {
	switch c := command.(type) {
	case Advance:
		w.Byte(codeAdvance)
	case Publish:
		w.Byte(codePublish)
		w.publish(&c)
	case EnterPresence:
		w.Byte(codeEnterPresence)
		w.id(c.Channel)
		w.Text(c.ClientID)
		w.Text(c.Session)
		w.Number(c.Generation)
		w.Bytes(c.Data)
		w.Signed(int64(c.Max))
		w.Number(c.Attempt)
	case LeavePresence:
		w.Byte(codeLeavePresence)
		w.id(c.Channel)
		w.Text(c.ClientID)
		w.Text(c.Session)
		w.Number(c.Generation)
		w.Bool(c.Final)
	case AttachSession:
		w.Byte(codeAttachSession)
		w.attach(&c)
	case UpdateSession:
		w.Byte(codeUpdateSession)
		w.session(c.App, c.Session, c.Generation)
		w.Signed(c.Expires)
		w.subscriptions(c.Channels)
		w.texts(c.Presence)
	case DetachSession:
		w.Byte(codeDetachSession)
		w.session(c.App, c.Session, c.Generation)
	case EndSession:
		w.Byte(codeEndSession)
		w.session(c.App, c.Session, c.Generation)
	case PresenceCleared:
		w.Byte(codePresenceCleared)
		w.session(c.App, c.Session, c.Generation)
		w.texts(c.Channels)
	case BreakEpoch:
		w.Byte(codeBreakEpoch)
		w.Number(uint64(c.Generation))
		w.Bool(c.Whole)
	case EdgeLost:
		w.Byte(codeEdgeLost)
		w.Fixed(c.Edge)
	case RestartGrace:
		w.Byte(codeRestartGrace)
	case Import:
		w.Byte(codeImport)
		w.id(c.Channel)
		w.retention(c.Retention)
		w.Count(len(c.Publications))
		each(c.Publications, w.imported)
	case Occupy:
		w.Byte(codeOccupy)
		w.id(c.Channel)
		w.Text(c.ClientID)
		w.Bool(c.Present)
	case Announced:
		w.Byte(codeAnnounced)
		w.Count(len(c.Hooks))
		each(c.Hooks, w.Number)
	default:
		panic(fmt.Sprintf("channel: unknown command %T", command))
	}
}

func (r *reader) command() Command {
	switch r.Byte() {
	case codeAdvance:
		return Advance{}
	case codePublish:
		return r.publish()
	case codeEnterPresence:
		return EnterPresence{
			Channel: r.id(), ClientID: r.text(), Session: r.text(), Generation: r.Number(), Data: r.Bytes(), Max: int(r.Signed()),
			Attempt: r.Number(),
		}
	case codeLeavePresence:
		return LeavePresence{
			Channel: r.id(), ClientID: r.text(), Session: r.text(), Generation: r.Number(), Final: r.Bool(),
		}
	case codeAttachSession:
		return r.attach()
	case codeUpdateSession:
		return UpdateSession{
			App: r.text(), Session: r.text(), Generation: r.Number(),
			Expires: r.Signed(), Channels: r.subscriptions(), Presence: r.texts(),
		}
	case codeDetachSession:
		return DetachSession{App: r.text(), Session: r.text(), Generation: r.Number()}
	case codeEndSession:
		return EndSession{App: r.text(), Session: r.text(), Generation: r.Number()}
	case codePresenceCleared:
		return PresenceCleared{App: r.text(), Session: r.text(), Generation: r.Number(), Channels: r.texts()}
	case codeBreakEpoch:
		return BreakEpoch{Generation: r.Number32(), Whole: r.Bool()}
	case codeEdgeLost:
		return EdgeLost{Edge: r.Fixed()}
	case codeRestartGrace:
		return RestartGrace{}
	case codeImport:
		const least = 6 // bytes of a publication: five lengths and a time
		return Import{Channel: r.id(), Retention: r.retention(), Publications: list(r, least, r.imported)}
	case codeOccupy:
		return Occupy{Channel: r.id(), ClientID: r.text(), Present: r.Bool()}
	case codeAnnounced:
		return Announced{Hooks: list(r, 1, r.Number)}
	}
	r.Fail("kind of command")
	return Advance{}
}

func (w *writer) publish(c *Publish) {
	w.id(c.Channel)
	w.Text(c.ID)
	w.Text(c.Event)
	w.Bytes(c.Data)
	w.Text(c.Exclude)
	w.Text(c.ClientID)
	w.retention(c.Retention)
	w.Number(uint64(c.Attempt))
}

func (r *reader) publish() Publish {
	return Publish{
		Channel: r.id(), ID: r.text(), Event: r.text(), Data: r.Bytes(), Exclude: r.text(), ClientID: r.text(),
		Retention: r.retention(), Attempt: r.Number32(),
	}
}

func (w *writer) imported(one Imported) {
	w.Text(one.ID)
	w.Text(one.Event)
	w.Bytes(one.Data)
	w.Text(one.Exclude)
	w.Text(one.ClientID)
	w.Signed(one.Timestamp)
}

func (r *reader) imported() Imported {
	return Imported{
		ID: r.text(), Event: r.text(), Data: r.Bytes(), Exclude: r.text(), ClientID: r.text(), Timestamp: r.Signed(),
	}
}

func (w *writer) attach(c *AttachSession) {
	w.Text(c.App)
	w.Text(c.Session)
	w.Data = append(w.Data, c.SecretHash[:]...)
	w.Text(c.ClientID)
	w.Fixed(c.Edge)
	w.Signed(c.Expires)
	w.Bool(c.Create)
	w.Number(c.Attempt)
}

func (r *reader) attach() AttachSession {
	return AttachSession{
		App: r.text(), Session: r.text(), SecretHash: r.secret(), ClientID: r.text(),
		Edge: r.Fixed(), Expires: r.Signed(), Create: r.Bool(), Attempt: r.Number(),
	}
}

func (w *writer) session(app, session string, generation uint64) {
	w.Text(app)
	w.Text(session)
	w.Number(generation)
}

func (w *writer) retention(keep Retention) {
	w.Signed(int64(keep.Messages))
	w.Signed(int64(keep.Bytes))
	w.Signed(keep.Age.Milliseconds())
}

func (r *reader) retention() Retention {
	return Retention{Messages: int(r.Signed()), Bytes: int(r.Signed()), Age: r.milliseconds()}
}

// maxAge is the longest Age that fits a time.Duration.
const maxAge = int64(1<<63-1) / int64(time.Millisecond)

func (r *reader) milliseconds() time.Duration {
	count := r.Signed()
	if count > maxAge || count < -maxAge {
		r.Fail("age")
		return 0
	}
	return time.Duration(count) * time.Millisecond
}

func (w *writer) subscriptions(list []Subscription) {
	w.Count(len(list))
	for _, subscription := range list {
		w.Text(subscription.Channel)
		w.Bool(subscription.Presence)
	}
}

func (r *reader) subscriptions() []Subscription {
	const least = 2 // bytes: a length and a bool
	return list(r, least, func() Subscription { return Subscription{Channel: r.text(), Presence: r.Bool()} })
}
