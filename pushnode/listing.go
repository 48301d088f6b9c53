package pushnode

import (
	"context"
	"errors"
	"sync/atomic"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// A listing is a question to every slot: as many requests as there are slots, of those that a node may have without an outcome. So a few
// are made at a time, which leaves three quarters of those to publications, and a few wait for their turn.
const (
	maxListings        = 16
	maxListingsWaiting = 64
)

// errListings is what a listing ends with that does not come to its turn.
var errListings = errors.New("too many lists are being made")

// listings bounds the questions to all slots that are under way.
type listings struct {
	room    chan struct{} // a token for each that is under way
	waiting atomic.Int64  // those that wait for one
}

func newListings() *listings { return &listings{room: make(chan struct{}, maxListings)} }

// begin waits for a turn. An error wraps errListings.
func (l *listings) begin(ctx context.Context) error {
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > maxListingsWaiting {
		return errListings
	}
	select {
	case l.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errors.Join(errListings, ctx.Err())
	}
}

func (l *listings) end() { <-l.room }

// listing is one question to all slots.
type listing struct {
	answers []channel.Answer // by slot
	errs    []error          // likewise
	left    atomic.Int64     // slots that have not answered
	all     chan struct{}    // closed when none is left
}

// queryAll has a question answered by the leaders of all slots, and returns the answers by slot. It waits for its turn and for them for
// requestTime at most. Errors: errListings, and those of host.Query.
func (s *slots) queryAll(ctx context.Context, query channel.Query) ([]channel.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	if err := s.lists.begin(ctx); err != nil {
		return nil, err
	}
	asked := s.beginListing(query)
	select {
	case <-asked.all:
	case <-ctx.Done(): // the host ends no request of a node that gives it no time any more
		return nil, ctx.Err()
	}
	return asked.answers, firstError(asked.errs)
}

// beginListing asks all slots. The turn ends with the last answer: the requests of a caller that has given up wait all the same.
func (s *slots) beginListing(query channel.Query) *listing {
	asked := &listing{
		answers: make([]channel.Answer, slotCount), errs: make([]error, slotCount), all: make(chan struct{}),
	}
	asked.left.Store(slotCount)
	now := s.clock.now()
	for index := range slotCount {
		s.host.Query(now, index, query, now+requestTime.Milliseconds(), func(reply host.Reply) {
			asked.answers[index], asked.errs[index] = reply.Answer, reply.Err
			if asked.left.Add(-1) == 0 {
				s.lists.end()
				close(asked.all)
			}
		})
	}
	return asked
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
