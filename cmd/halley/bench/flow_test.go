package bench

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A publisher waits until all subscribers have the message whose place it needs.
func TestFlowWaitsForTheSlowest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		topic := &topic{subscribers: 2, patience: time.Minute}
		f := topic.addFlow(1)
		clock := clock{time.Now()}
		if number, err := f.begin(t.Context(), clock); number != 1 || err != nil {
			t.Fatalf("the first message is %d, %v", number, err)
		}
		time.Sleep(time.Millisecond)
		if latency := f.arrived(1, clock.now()); latency != int64(time.Millisecond) {
			t.Errorf("the message took %v", time.Duration(latency))
		}
		begun := make(chan error)
		go func() {
			_, err := f.begin(t.Context(), clock)
			begun <- err
		}()
		synctest.Wait()
		select {
		case <-begun:
			t.Fatal("the second message is under way before the first is everywhere")
		default:
		}
		f.arrived(1, clock.now())
		if err := <-begun; err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlowLosesPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const patience = 10 * time.Second
		f := (&topic{subscribers: 1, patience: patience}).addFlow(2)
		for range 2 {
			if _, err := f.begin(t.Context(), clock{time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		if _, err := f.begin(t.Context(), clock{begun}); !errors.Is(err, errLost) || time.Since(begun) != patience {
			t.Errorf("%v after %v, want %v after %v", err, time.Since(begun), errLost, patience)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.drain(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a run that was stopped says %v", err)
		}
	})
}

func TestFlowWithoutSubscribersWaitsForNobody(t *testing.T) {
	t.Parallel()
	f := (&topic{}).addFlow(1)
	for want := uint32(1); want <= 3; want++ {
		if number, err := f.begin(t.Context(), clock{}); number != want || err != nil {
			t.Fatalf("message %d, %v, want %d", number, err, want)
		}
	}
	if err := f.drain(t.Context()); err != nil {
		t.Error(err)
	}
}
