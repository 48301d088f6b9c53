package console

import (
	"context"
	"log/slog"
)

// Mail is one message in plain text.
type Mail struct {
	To      string
	Subject string
	Body    string
	Link    string // the address in Body that the mail is about, if there is one
}

// Mailer sends mail. Send may take as long as its context admits.
type Mailer interface {
	Send(ctx context.Context, mail Mail) error
}

// LogMailer writes mails to the log instead of sending them: the default, good for one developer on one machine. A reset link in
// a log is as good as a password, so an installation for others needs SMTPMailer.
type LogMailer struct {
	Logger *slog.Logger // must not redact: a link that is cut is of no use
}

// Send logs the mail. It never fails.
func (m LogMailer) Send(ctx context.Context, mail Mail) error {
	m.Logger.InfoContext(ctx, "mail not sent, no SMTP server is set", "to", mail.To, "subject", mail.Subject, "link", mail.Link,
		"body", mail.Body)
	return nil
}
