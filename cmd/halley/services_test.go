package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The last to start is the first to stop, and each has ended before the one below it is stopped.
func TestServicesStopInOppositeOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		s := newServices()
		for _, name := range []string{"first", "second", "third"} {
			s.start(name, func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(time.Second) // takes a while to end
				ended = append(ended, name)
				return nil
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.wait(ctx, nil); err != nil {
			t.Errorf("wait: %v", err)
		}
		if err := s.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if !slices.Equal(ended, []string{"third", "second", "first"}) {
			t.Errorf("ended %v", ended)
		}
	})
}

func TestServiceThatFailsEndsTheProcess(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]error{"with an error": errors.New("broke"), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServices()
				stopped := false
				s.start("sound", func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil })
				s.start("weak", func(context.Context) error { <-time.After(time.Minute); return result })
				err := s.wait(t.Context(), nil)
				if err == nil || !strings.Contains(err.Error(), "weak") {
					t.Errorf("wait: %v", err)
				}
				_ = s.stop()
				if !stopped {
					t.Error("the others were not stopped")
				}
			})
		})
	}
}

func TestStopTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	s := newServices()
	s.start("meter", func(ctx context.Context) error { <-ctx.Done(); return errors.New("not written") })
	if err := s.stop(); err == nil || err.Error() != "meter: not written" {
		t.Errorf("stop: %v", err)
	}
}
