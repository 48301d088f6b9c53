package channel

import (
	"fmt"
	"slices"
)

// The kinds of effect, as encoded. They are never reused.
const (
	codePublished = iota + 1
	codePresenceChanged
	codePresenceDue
	codeSessionEnded
	codeSessionMoved
)

// actions gives each change of presence its number in effects: its place. Numbers are never reused.
var actions = [...]Action{ActionEnter, ActionUpdate, ActionLeave}

// AppendEffects appends the encoding of a list of effects to dst. An effect of an unknown kind is a fault of the program: panic.
func AppendEffects(dst []byte, effects []Effect) []byte {
	w := writer{data: dst}
	w.count(len(effects))
	each(effects, w.effect)
	return w.data
}

// DecodeEffects reads what AppendEffects wrote. The effects share no memory with data; their publications share one copy of it.
// Errors wrap ErrEncoding.
func DecodeEffects(data []byte) ([]Effect, error) {
	const least = 3 // bytes of an effect
	r := owned(data)
	effects := list(r, least, r.effect)
	if err := r.end(); err != nil {
		return nil, err
	}
	return effects, nil
}

func (w *writer) effect(effect Effect) {
	switch e := effect.(type) {
	case Published:
		w.byte(codePublished)
		w.id(e.Channel)
		w.epoch(e.Epoch)
		w.numbered(e.Publication)
	case PresenceChanged:
		w.byte(codePresenceChanged)
		w.id(e.Channel)
		w.action(e.Action)
		w.member(e.Member)
		w.number(e.Version)
	case PresenceDue:
		w.byte(codePresenceDue)
		w.session(e.App, e.Session, e.Generation)
		w.text(e.ClientID)
		w.texts(e.Channels)
	case SessionEnded:
		w.byte(codeSessionEnded)
		w.text(e.App)
		w.text(e.Session)
		w.fixed(e.Edge)
	case SessionMoved:
		w.byte(codeSessionMoved)
		w.session(e.App, e.Session, e.Generation)
		w.fixed(e.From)
		w.fixed(e.To)
	default:
		panic(fmt.Sprintf("channel: unknown effect %T", effect))
	}
}

func (r *reader) effect() Effect {
	switch r.byte() {
	case codePublished:
		return Published{Channel: r.id(), Epoch: r.epoch(), Publication: r.numbered()}
	case codePresenceChanged:
		return PresenceChanged{Channel: r.id(), Action: r.action(), Member: r.member(), Version: r.number()}
	case codePresenceDue:
		return PresenceDue{
			App: r.text(), Session: r.text(), Generation: r.number(), ClientID: r.text(), Channels: r.texts(),
		}
	case codeSessionEnded:
		return SessionEnded{App: r.text(), Session: r.text(), Edge: r.fixed()}
	case codeSessionMoved:
		return SessionMoved{App: r.text(), Session: r.text(), Generation: r.number(), From: r.fixed(), To: r.fixed()}
	}
	r.fail("kind of effect")
	return nil
}

func (w *writer) action(action Action) {
	number := slices.Index(actions[:], action)
	if number < 0 {
		panic(fmt.Sprintf("channel: unknown action %q", action))
	}
	w.byte(byte(number))
}

func (r *reader) action() Action {
	number := int(r.byte())
	if number >= len(actions) {
		r.fail("action")
		return ""
	}
	return actions[number]
}
