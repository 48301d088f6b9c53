package console

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Bounds of the postbox. A mail waits in memory: what is lost when the process ends, the user asks for again.
const (
	postboxLength = 256
	mailPatience  = 30 * time.Second // for one mail
)

// letter writes a mail, or none: what it must look up for that is no business of the request that asked for it.
type letter func(ctx context.Context) (*draft, error)

// draft is a mail that is about to be sent. Where it cannot be, unsent undoes what was done for it; nil: nothing was.
type draft struct {
	Mail
	unsent func(ctx context.Context) error
}

// postbox writes and sends mails behind the answer's back, so that a request takes the same time whether there is somebody to
// write to or not: otherwise the clock would tell who has an account.
type postbox struct {
	// immutable after newPostbox
	mailer  Mailer
	logger  *slog.Logger
	letters chan letter
	done    context.CancelFunc
	worker  sync.WaitGroup
}

func newPostbox(mailer Mailer, logger *slog.Logger) *postbox {
	ctx, cancel := context.WithCancel(context.Background())
	box := &postbox{mailer: mailer, logger: logger, letters: make(chan letter, postboxLength), done: cancel}
	box.worker.Go(func() { box.run(ctx) })
	return box
}

// Drop queues a letter. When the box is full it is lost, and the log says so.
func (b *postbox) Drop(write letter) {
	select {
	case b.letters <- write:
	default:
		b.logger.Error("mail refused, too many are waiting")
	}
}

// Close ends the worker and waits for it. The mail in hand is given up.
func (b *postbox) Close() {
	b.done()
	b.worker.Wait()
}

func (b *postbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case write := <-b.letters:
			if err := b.send(ctx, write); err != nil {
				b.logger.Error("mail not sent", "err", err)
			}
		}
	}
}

func (b *postbox) send(ctx context.Context, write letter) error {
	limited, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	mail, err := write(limited)
	if err != nil || mail == nil {
		return err
	}
	err = b.mailer.Send(limited, mail.Mail)
	if err != nil && mail.unsent != nil {
		err = errors.Join(err, mail.unsent(context.WithoutCancel(ctx))) // the time for the mail may be over
	}
	return err
}
