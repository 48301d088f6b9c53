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
)

// AppendCommand appends the encoding of one command to dst: what a batch holds of it. A command of an unknown kind is a fault of
// the program: panic.
func AppendCommand(dst []byte, command Command) []byte {
	w := writer{data: dst}
	w.command(command)
	return w.data
}

// DecodeCommand reads what AppendCommand wrote. The command shares no memory with data. Errors wrap ErrEncoding.
func DecodeCommand(data []byte) (Command, error) {
	r := owned(data)
	command := r.command()
	if err := r.end(); err != nil {
		return nil, err
	}
	return command, nil
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
		w.number(c.Attempt)
	case LeavePresence:
		w.byte(codeLeavePresence)
		w.id(c.Channel)
		w.text(c.ClientID)
		w.text(c.Session)
		w.number(c.Generation)
		w.bool(c.Final)
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
		w.bool(c.Whole)
	case EdgeLost:
		w.byte(codeEdgeLost)
		w.fixed(c.Edge)
	case RestartGrace:
		w.byte(codeRestartGrace)
	case Import:
		w.byte(codeImport)
		w.id(c.Channel)
		w.retention(c.Retention)
		w.count(len(c.Publications))
		each(c.Publications, w.imported)
	default:
		panic(fmt.Sprintf("channel: unknown command %T", command))
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
			Attempt: r.number(),
		}
	case codeLeavePresence:
		return LeavePresence{
			Channel: r.id(), ClientID: r.text(), Session: r.text(), Generation: r.number(), Final: r.bool(),
		}
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
		return BreakEpoch{Generation: r.number32(), Whole: r.bool()}
	case codeEdgeLost:
		return EdgeLost{Edge: r.fixed()}
	case codeRestartGrace:
		return RestartGrace{}
	case codeImport:
		const least = 5 // bytes of a publication: four lengths and a time
		return Import{Channel: r.id(), Retention: r.retention(), Publications: list(r, least, r.imported)}
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
	w.number(uint64(c.Attempt))
}

func (r *reader) publish() Publish {
	return Publish{
		Channel: r.id(), ID: r.text(), Event: r.text(), Data: r.bytes(), Exclude: r.text(), Retention: r.retention(),
		Attempt: r.number32(),
	}
}

func (w *writer) imported(one Imported) {
	w.text(one.ID)
	w.text(one.Event)
	w.bytes(one.Data)
	w.text(one.Exclude)
	w.signed(one.Timestamp)
}

func (r *reader) imported() Imported {
	return Imported{ID: r.text(), Event: r.text(), Data: r.bytes(), Exclude: r.text(), Timestamp: r.signed()}
}

func (w *writer) attach(c *AttachSession) {
	w.text(c.App)
	w.text(c.Session)
	w.data = append(w.data, c.SecretHash[:]...)
	w.text(c.ClientID)
	w.fixed(c.Edge)
	w.signed(c.Expires)
	w.bool(c.Create)
	w.number(c.Attempt)
}

func (r *reader) attach() AttachSession {
	return AttachSession{
		App: r.text(), Session: r.text(), SecretHash: r.secret(), ClientID: r.text(),
		Edge: r.fixed(), Expires: r.signed(), Create: r.bool(), Attempt: r.number(),
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
	const least = 2 // bytes: a length and a bool
	return list(r, least, func() Subscription { return Subscription{Channel: r.text(), Presence: r.bool()} })
}
