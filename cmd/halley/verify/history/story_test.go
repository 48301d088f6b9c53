package history_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"halley/cmd/halley/verify/history"
)

// rules are those of a cluster of three.
var rules = history.Rules{Copies: 2, Grace: 15 * time.Second, Silence: 3 * time.Second, NoGaps: true}

// story writes a history, a millisecond a line unless it is told to wait.
type story struct {
	now    time.Duration
	events []history.Event
}

func (s *story) add(e history.Event) *story {
	s.now += time.Millisecond
	e.At = s.now
	s.events = append(s.events, e)
	return s
}

func (s *story) wait(d time.Duration) *story { s.now += d; return s }

// Everything happens in one channel, "c", in the epoch "a" unless it is told otherwise.
func (s *story) invoke(id string) *story {
	return s.add(history.Event{Kind: history.Invoke, Client: "p", Channel: "c", ID: id})
}

func (s *story) ok(id, epoch string, offset uint64) *story {
	return s.add(history.Event{Kind: history.OK, Client: "p", Channel: "c", ID: id, Epoch: epoch, Offset: offset, Copies: 2})
}

func (s *story) publish(offset uint64) *story {
	id := fmt.Sprint("m", offset)
	return s.invoke(id).ok(id, "a", offset)
}

func (s *story) attach(client, epoch string, offset uint64) *story {
	return s.add(history.Event{Kind: history.Attach, Client: client, Channel: "c", Epoch: epoch, Offset: offset, Began: s.now})
}

func (s *story) message(client, id, epoch string, offset uint64) *story {
	return s.add(history.Event{Kind: history.Message, Client: client, Channel: "c", ID: id, Epoch: epoch, Offset: offset})
}

func (s *story) deliver(client string, offset uint64) *story {
	return s.message(client, fmt.Sprint("m", offset), "a", offset)
}

func (s *story) gap(client, epoch string, from, offset uint64, reason string) *story {
	return s.add(history.Event{
		Kind: history.Gap, Client: client, Channel: "c", Epoch: epoch, Offset: offset, From: from, To: offset, Reason: reason,
	})
}

func (s *story) session(kind history.Kind, id string) *story {
	return s.add(history.Event{Kind: kind, Client: id, Session: id, Channel: "c"})
}

// sees is that somebody is told of a member.
func (s *story) sees(kind history.Kind, id string) *story {
	return s.add(history.Event{Kind: kind, Client: "watcher", Session: id, Channel: "c"})
}

// check wants exactly these classes of violations.
func check(t *testing.T, s *story, rules history.Rules, want ...history.Class) *history.Result {
	t.Helper()
	result := history.Check(s.events, rules)
	var got []history.Class
	for class := range result.Counts {
		got = append(got, class)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("violations %v, want %v", got, want)
		for _, v := range result.Violations {
			t.Log(v)
		}
	}
	if result.Sound() != (len(want) == 0) {
		t.Errorf("the result calls itself sound: %v", result.Sound())
	}
	return result
}
