package main

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"halley/console"
	"halley/test/selfsigned"
)

func TestCertificate(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := selfsigned.Certificate(t)
	tests := []struct {
		name   string
		config tlsConfig
		offers []string // application protocols; none: plain HTTP
	}{
		{"plain", tlsConfig{}, nil},
		{"files", tlsConfig{TLSCert: certFile, TLSKey: keyFile}, []string{"h2", "http/1.1"}},
		{"ACME", tlsConfig{ACMEDomain: []string{"push.example.com"}}, []string{"h2", "http/1.1", "acme-tls/1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			serve := serveCommand{tlsConfig: test.config, storeConfig: storeConfig{DataDir: t.TempDir()}}
			got, err := serve.certificate(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if err != nil || got.run == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			var offers []string
			if got.tls != nil {
				offers = got.tls.NextProtos
			}
			if !slices.Equal(offers, test.offers) || test.config.https() != (got.tls != nil) {
				t.Errorf("offers %v, want %v", offers, test.offers)
			}
		})
	}
}

func TestMailer(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	if mailer, err := (consoleConfig{}).mailer(logger); err != nil {
		t.Error(err)
	} else if _, logs := mailer.(console.LogMailer); !logs {
		t.Errorf("without a server mail goes to %T", mailer)
	}
	server := consoleConfig{SMTPHost: "mail.example.com", SMTPPort: 587, SMTPUser: "halley", MailFrom: "Halley <halley@example.com>"}
	t.Setenv("HALLEY_SMTP_PASSWORD", "s3cret")
	if mailer, err := server.mailer(logger); err != nil {
		t.Error(err)
	} else if _, sends := mailer.(*console.SMTPMailer); !sends {
		t.Errorf("with a server mail goes to %T", mailer)
	}
	server.SMTPPasswordFile = write(t, "password", "other")
	if _, err := server.mailer(logger); err == nil {
		t.Error("two passwords are taken")
	}
}
