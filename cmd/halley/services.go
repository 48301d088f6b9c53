package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// services run side by side. They are started in order, each on those before it, and stopped in the opposite order, one after the
// other: nobody loses what it stands on while it still works.
type services struct {
	running []service
	failed  chan error // room for one: the first counts
}

type service struct {
	name string
	stop context.CancelFunc
	done *sync.WaitGroup
	err  *error // set when done
}

func newServices() *services { return &services{failed: make(chan error, 1)} }

// start runs a service until stop. One that ends by itself ends the process.
func (s *services) start(name string, run func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	started := service{name: name, stop: cancel, done: new(sync.WaitGroup), err: new(error)}
	started.done.Go(func() {
		err := run(ctx)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		*started.err = err
		if ctx.Err() == nil {
			if err == nil {
				err = fmt.Errorf("%s ended by itself", name)
			}
			select {
			case s.failed <- err:
			default:
			}
		}
	})
	s.running = append(s.running, started)
}

// wait returns nil when ctx ends or over is closed, or the error of the first service that failed.
func (s *services) wait(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-over:
		return nil
	case err := <-s.failed:
		return err
	}
}

// stop ends the services, the last one first, and returns what went wrong.
func (s *services) stop() error {
	var failures []error
	for i := len(s.running) - 1; i >= 0; i-- {
		s.running[i].stop()
		s.running[i].done.Wait()
		failures = append(failures, *s.running[i].err)
	}
	s.running = nil
	return errors.Join(failures...)
}
