package history_test

import (
	"testing"
	"time"

	"halley/cmd/halley/verify/history"
)

func TestFigures(t *testing.T) {
	s := begin().attach("r", "a", 0)
	s.publish(1).deliver("s", 1).deliver("r", 1)
	s.invoke("m2").add(history.Event{Kind: history.Fault, Client: "n1", Reason: "kill"}).wait(200*time.Millisecond).ok("m2", "a", 2)
	s.deliver("s", 2).wait(5 * time.Second) // nobody waits: no pause
	s.add(history.Event{Kind: history.Error, Client: "r", Reason: "EOF"})
	s.add(history.Event{Kind: history.Attach, Client: "r", Channel: "c", Epoch: "a", Offset: 1, Began: s.now - 50*time.Millisecond})
	s.wait(30*time.Millisecond).deliver("r", 2)
	f := check(t, s, rules).Figures

	if f.Published != 2 || f.Acknowledged != 2 || f.Delivered != 4 || f.Errors["EOF"] != 1 {
		t.Errorf("counts: %+v", f)
	}
	if len(f.Pauses) != 1 || f.Pauses[0].Fault != "kill" || f.Pauses[0].Writes.Max != 201*time.Millisecond {
		t.Errorf("pauses: %+v, want one of 201 ms", f.Pauses)
	}
	if f.CatchUp.Count != 1 || f.CatchUp.Max != 82*time.Millisecond {
		t.Errorf("catch-up: %+v, want one of 82 ms", f.CatchUp)
	}
	if f.Acknowledgment.Count != 2 || f.Acknowledgment.Max != 202*time.Millisecond {
		t.Errorf("acknowledgement: %+v, want two up to 202 ms", f.Acknowledgment)
	}
	if f.Delivery.Count != 4 || f.Delivery.P50 != 3*time.Millisecond {
		t.Errorf("delivery: %+v", f.Delivery)
	}
}

// A channel that gets no answer until the end has paused until the end.
func TestPauseThatDoesNotEnd(t *testing.T) {
	s := begin().invoke("m1").add(history.Event{Kind: history.Fault, Client: "n1", Reason: "kill"}).wait(time.Second)
	s.add(history.Event{Kind: history.Unknown, Channel: "c", ID: "m1"}).invoke("m2").wait(time.Second)
	s.add(history.Event{Kind: history.Quiescent})
	f := check(t, s, rules).Figures
	if len(f.Pauses) != 1 || f.Pauses[0].Writes.Max < 2*time.Second {
		t.Errorf("pauses: %+v, want one of 2 s", f.Pauses)
	}
}
