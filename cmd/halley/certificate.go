package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"halley/cmd/halley/edge"
)

// certificate is how the public port speaks TLS, and what keeps that fresh.
type certificate struct {
	tls *tls.Config // nil: it speaks plain HTTP
	run func(ctx context.Context) error
}

// certificate takes the certificate from files, or gets one by ACME, or there is none.
func (c serveCommand) certificate(logger *slog.Logger, registerer prometheus.Registerer) (certificate, error) {
	resting := func(ctx context.Context) error { <-ctx.Done(); return nil }
	switch {
	case c.TLSCert != "":
		files, err := edge.LoadCertificate(c.TLSCert, c.TLSKey, logger, registerer)
		if err != nil {
			return certificate{}, err
		}
		return certificate{tls: files.TLS(), run: files.Run}, nil
	case len(c.ACMEDomain) > 0:
		config, err := edge.ACME{
			Domains: c.ACMEDomain, Directory: c.ACMEDirectory, Email: c.ACMEEmail,
			CacheDir: filepath.Join(c.DataDir, "acme"), Logger: logger,
		}.TLS()
		return certificate{tls: config, run: resting}, err
	default:
		return certificate{run: resting}, nil
	}
}
