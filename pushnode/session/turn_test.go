package session

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turn turn
		turn.claim()
		var order []int
		for i := range 3 {
			go func() {
				turn.claim()
				order = append(order, i)
				turn.release()
			}()
			synctest.Wait()
		}
		impatient, cancel := context.WithCancel(t.Context())
		given := make(chan error)
		go func() { given <- turn.take(impatient) }()
		synctest.Wait()
		cancel()
		if err := <-given; err != context.Canceled {
			t.Errorf("who went away got %v", err)
		}
		turn.release()
		synctest.Wait()
		if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("they came in the order %v", order)
		}
		if err := turn.take(impatient); err != nil {
			t.Errorf("a free turn is not given: %v", err)
		}
	})
}

// A turn that is given to somebody who goes away in the same moment goes on to the next.
func TestTurnOfSomebodyWhoLeft(t *testing.T) {
	var turn turn
	turn.claim()
	given, next := turn.ask(), turn.ask()
	turn.release()
	turn.forget(given)
	select {
	case <-next:
	default:
		t.Error("nobody has the turn")
	}
	turn.release()
	if turn.ask() != nil {
		t.Error("the turn is not free")
	}
}
