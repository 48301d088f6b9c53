package host_test

import (
	"errors"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// forged has the second of two hosts ask the first, which leads, and puts other bytes in the place of the answer's last ones.
func forged(t *testing.T, begin func(e *end, done func(host.Reply), deadline int64), last int, forgery []byte) (came host.Reply, refusal error) {
	t.Helper()
	p := newHosts(t, 2, 1)
	asker, calls := p.nodes[1], 0
	begin(asker, func(reply host.Reply) { came, calls = reply, calls+1 }, p.now+1000)
	for len(p.line) > 0 {
		next := p.line[0]
		p.line = p.line[1:]
		frame := next.frame
		if next.to == asker.instance && frame[0] == 3 { // a reply
			frame = append(frame[:len(frame)-last:len(frame)-last], forgery...)
		}
		if err := p.nodes[next.to-1].Receive(p.now, next.from, frame); err != nil {
			refusal = err
		}
	}
	if calls != 1 || asker.Waiting() != 0 {
		t.Fatalf("the caller was told %d times, %d requests wait; want one end at once", calls, asker.Waiting())
	}
	return came, refusal
}

func TestAnswerOfAnotherKindIsNone(t *testing.T) {
	t.Parallel()
	id := channel.ID{App: "app", Name: "room"}
	honest := channel.AppendAnswer(nil, channel.Held(false))
	for name, forgery := range map[string][]byte{
		"another kind": channel.AppendAnswer(nil, channel.LiveSessions{{ID: "s", Generation: 1}}),
		"unknown":      {99},
		"nothing":      nil,
		"cut off":      honest[:1],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came, refusal := forged(t, func(e *end, done func(host.Reply), deadline int64) {
				e.Query(1_000_000, 0, channel.HoldsQuery{Channel: id}, deadline, done)
			}, len(honest), forgery)
			if !errors.Is(came.Err, host.ErrUnreadable) || came.Answer != nil {
				t.Errorf("the caller got %+v, want ErrUnreadable and no answer", came)
			}
			if refusal == nil {
				t.Error("the frame was taken")
			}
			if name == "another kind" && !strings.Contains(came.Err.Error(), "LiveSessions") {
				t.Errorf("%q does not say what came", came.Err)
			}
		})
	}
}

func TestResultOfAnotherKindIsUnknown(t *testing.T) {
	t.Parallel()
	nothing := channel.AppendResult(nil, channel.Result{})
	for name, one := range map[string]struct {
		command channel.Command
		forgery []byte
	}{
		"a publication without a position": {
			channel.Publish{Channel: channel.ID{App: "app", Name: "room"}, ID: "m", Data: []byte("1"), Retention: channel.DefaultRetention},
			nothing,
		},
		"an attachment without a record": {
			channel.AttachSession{App: "app", Session: "s", Create: true, Edge: 2}, nothing,
		},
		"bytes that are none": {channel.Advance{}, []byte{0xff, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newHosts(t, 2, 1)
			direct := p.ask(p.nodes[0], 0, one.command, 1000) // what it is honestly, at the same place of another cluster
			if direct == nil || direct.Err != nil {
				t.Fatalf("the honest result is %+v", direct)
			}
			came, refusal := forged(t, func(e *end, done func(host.Reply), deadline int64) {
				e.Propose(1_000_000, 0, one.command, deadline, done)
			}, len(channel.AppendResult(nil, direct.Result)), one.forgery)
			if !errors.Is(came.Err, host.ErrUnknown) {
				t.Errorf("the caller got %+v, want ErrUnknown", came)
			}
			if refusal == nil {
				t.Error("the frame was taken")
			}
		})
	}
}
