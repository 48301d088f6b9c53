package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// smtpTimeout bounds each conversation with the mail server.
const smtpTimeout = 20 * time.Second

// SMTPMailer sends mail through a server.
type SMTPMailer struct {
	client *gomail.Client
	from   string
}

// SMTPConfig names the server and the sender.
type SMTPConfig struct {
	Host     string
	Port     int    // 0: 587 with STARTTLS; 465 speaks TLS from the first byte
	Username string // empty: no log-in
	Password string
	From     string // "Halley <halley@example.com>" or the bare address
	Insecure bool   // send without TLS where the server offers none: for a relay on the same machine only
}

// NewSMTPMailer checks the configuration. It does not connect: a mail server that is down must not keep the console from
// starting.
func NewSMTPMailer(config SMTPConfig) (*SMTPMailer, error) {
	if config.Host == "" || config.From == "" {
		return nil, errors.New("mail by SMTP needs a host and a sender")
	}
	if err := gomail.NewMsg().From(config.From); err != nil {
		return nil, fmt.Errorf("mail sender %q: %w", config.From, err)
	}
	policy := gomail.TLSMandatory
	if config.Insecure {
		policy = gomail.TLSOpportunistic
	}
	options := []gomail.Option{gomail.WithTimeout(smtpTimeout), gomail.WithTLSPolicy(policy)}
	if config.Port != 0 {
		options = append(options, gomail.WithPort(config.Port))
	}
	if config.Port == gomail.DefaultPortSSL {
		options = append(options, gomail.WithSSL())
	}
	if config.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(config.Username), gomail.WithPassword(config.Password))
	}
	client, err := gomail.NewClient(config.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", config.Host, err)
	}
	return &SMTPMailer{client: client, from: config.From}, nil
}

// Send delivers the mail to the server. The library refuses addresses and subjects that would break out of their header.
func (m *SMTPMailer) Send(ctx context.Context, mail Mail) error {
	message := gomail.NewMsg()
	if err := message.From(m.from); err != nil {
		return fmt.Errorf("mail from: %w", err)
	}
	if err := message.To(mail.To); err != nil {
		return fmt.Errorf("mail to: %w", err)
	}
	message.Subject(mail.Subject)
	message.SetDate()
	message.SetMessageID()
	message.SetBodyString(gomail.TypeTextPlain, mail.Body)
	if err := m.client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}
