package channel

import (
	"errors"
	"fmt"
)

// refusals gives each error that a command may answer its number, in results and in the running hash: its place. 0 is none.
// Numbers are never reused.
var refusals = [...]error{nil, ErrNoSession, ErrGeneration, ErrPresenceFull}

// refusal is the number of an error. Any other than the package's sentinels is a fault of the program: panic.
func refusal(err error) int {
	if err == nil {
		return 0
	}
	for number, known := range refusals {
		if errors.Is(err, known) {
			return number
		}
	}
	panic(fmt.Sprintf("channel: unknown refusal %v", err))
}

// The bits of a result's first byte: what follows in it, and its two answers.
const (
	resultPublished = 1 << iota // ID and Position
	resultSession
	resultDuplicate
	resultResumed
	resultBits
)

// AppendResult appends the encoding of a result to dst. A session without generation is none. An error other than the package's
// sentinels is a fault of the program: panic.
func AppendResult(dst []byte, result Result) []byte {
	w := newWriter(dst)
	published, session := result.ID != "" || result.Position != Position{}, result.Session.Generation != 0
	w.Byte(bit(resultPublished, published) | bit(resultSession, session) |
		bit(resultDuplicate, result.Duplicate) | bit(resultResumed, result.Resumed))
	w.Byte(byte(refusal(result.Err)))
	w.Number(result.Version)
	if published {
		w.Text(result.ID)
		w.position(result.Position)
	}
	if session {
		w.record(&result.Session)
	}
	return w.Data
}

func bit(bit byte, set bool) byte {
	if set {
		return bit
	}
	return 0
}

// DecodeResult reads what AppendResult wrote. The result shares no memory with data. Errors wrap ErrEncoding.
func DecodeResult(data []byte) (Result, error) {
	r := owned(data)
	bits, number := r.Byte(), int(r.Byte())
	if bits >= resultBits {
		r.Fail("bits of a result")
	}
	if number >= len(refusals) {
		r.Fail("number of an error")
		number = 0
	}
	result := Result{
		Err: refusals[number], Version: r.Number(),
		Duplicate: bits&resultDuplicate != 0, Resumed: bits&resultResumed != 0,
	}
	if bits&resultPublished != 0 {
		result.ID, result.Position = r.text(), r.position()
	}
	if bits&resultSession != 0 {
		result.Session = r.record()
		if result.Session.Generation == 0 {
			r.Fail("generation of a session")
		}
	}
	if err := r.End(); err != nil {
		return Result{}, err
	}
	return result, nil
}

// record writes what others see of a session.
func (w *writer) record(s *Session) {
	w.session(s.App, s.ID, s.Generation)
	w.Text(s.ClientID)
	w.Fixed(s.Edge)
	w.Bool(s.Attached)
	w.Signed(s.Since)
	w.Signed(s.Expires)
	w.subscriptions(s.Channels)
	w.texts(s.Presence)
}

func (r *reader) record() Session {
	return Session{
		App: r.text(), ID: r.text(), Generation: r.Number(), ClientID: r.text(), Edge: r.Fixed(), Attached: r.Bool(),
		Since: r.Signed(), Expires: r.Signed(), Channels: r.subscriptions(), Presence: r.texts(),
	}
}
