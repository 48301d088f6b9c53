package console_test

import (
	"context"
	"sync"

	"halley/console"
)

// outbox keeps mails in memory.
type outbox struct {
	mu    sync.Mutex
	mails []console.Mail // guarded by mu
}

// Send keeps the mail. It never fails.
func (o *outbox) Send(_ context.Context, mail console.Mail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, mail)
	return nil
}

// Mails lists what was sent so far, the oldest first.
func (o *outbox) Mails() []console.Mail {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]console.Mail(nil), o.mails...)
}
