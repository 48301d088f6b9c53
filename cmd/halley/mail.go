package main

import (
	"fmt"
	"log/slog"

	"halley/console"
)

// mailer sends mail by SMTP if a server is named; else mails are written to the log that is made for them.
func (c consoleConfig) mailer(letters *slog.Logger) (console.Mailer, error) {
	if c.SMTPHost == "" {
		return console.LogMailer{Logger: letters}, nil
	}
	password, err := readSecret(c.SMTPPasswordFile, "HALLEY_SMTP_PASSWORD")
	if err != nil {
		return nil, fmt.Errorf("password of the mail server: %w", err)
	}
	return console.NewSMTPMailer(console.SMTPConfig{
		Host: c.SMTPHost, Port: c.SMTPPort, Username: c.SMTPUser, Password: password.Reveal(), From: c.MailFrom, Insecure: c.SMTPInsecure,
	})
}
