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
	w := newWriter(dst)
	w.Count(len(effects))
	each(effects, w.effect)
	return w.Data
}

// DecodeEffects reads what AppendEffects wrote. The effects share no memory with data; their publications share one copy of it.
// Errors wrap ErrEncoding.
func DecodeEffects(data []byte) ([]Effect, error) {
	const least = 3 // bytes of an effect
	return decode(data, func(r *reader) []Effect { return list(r, least, r.effect) })
}

func (w *writer) effect(effect Effect) {
	switch e := effect.(type) {
	case Published:
		w.Byte(codePublished)
		w.id(e.Channel)
		w.epoch(e.Epoch)
		w.numbered(e.Publication)
	case PresenceChanged:
		w.Byte(codePresenceChanged)
		w.id(e.Channel)
		w.action(e.Action)
		w.member(e.Member)
		w.Bool(e.Only)
		w.Number(e.Version)
	case PresenceDue:
		w.Byte(codePresenceDue)
		w.session(e.App, e.Session, e.Generation)
		w.Text(e.ClientID)
		w.texts(e.Channels)
	case SessionEnded:
		w.Byte(codeSessionEnded)
		w.Text(e.App)
		w.Text(e.Session)
		w.Fixed(e.Edge)
	case SessionMoved:
		w.Byte(codeSessionMoved)
		w.session(e.App, e.Session, e.Generation)
		w.Fixed(e.From)
		w.Fixed(e.To)
	default:
		panic(fmt.Sprintf("channel: unknown effect %T", effect))
	}
}

func (r *reader) effect() Effect {
	switch r.Byte() {
	case codePublished:
		return Published{Channel: r.id(), Epoch: r.epoch(), Publication: r.numbered()}
	case codePresenceChanged:
		return PresenceChanged{
			Channel: r.id(), Action: r.action(), Member: r.member(), Only: r.Bool(), Version: r.Number(),
		}
	case codePresenceDue:
		return PresenceDue{
			App: r.text(), Session: r.text(), Generation: r.Number(), ClientID: r.text(), Channels: r.texts(),
		}
	case codeSessionEnded:
		return SessionEnded{App: r.text(), Session: r.text(), Edge: r.Fixed()}
	case codeSessionMoved:
		return SessionMoved{App: r.text(), Session: r.text(), Generation: r.Number(), From: r.Fixed(), To: r.Fixed()}
	}
	r.Fail("kind of effect")
	return nil
}

func (w *writer) action(action Action) {
	number := slices.Index(actions[:], action)
	if number < 0 {
		panic(fmt.Sprintf("channel: unknown action %q", action))
	}
	w.Byte(byte(number))
}

func (r *reader) action() Action {
	number := int(r.Byte())
	if number >= len(actions) {
		r.Fail("action")
		return ""
	}
	return actions[number]
}
