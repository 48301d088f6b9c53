package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Certificate is a certificate in two files, read again when they change. New files that are no good change nothing but the log.
type Certificate struct {
	// immutable after LoadCertificate
	certFile, keyFile string
	logger            *slog.Logger
	expiry            prometheus.Gauge

	current atomic.Pointer[tls.Certificate] // a snapshot: swapped whole, read by every handshake

	seen pair // owned by Run: what was last tried
}

type pair struct{ cert, key []byte }

// LoadCertificate reads the files, which must be good at the start.
func LoadCertificate(certFile, keyFile string, logger *slog.Logger, registerer prometheus.Registerer) (*Certificate, error) {
	c := &Certificate{
		certFile: certFile, keyFile: keyFile, logger: logger,
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "halley_edge_certificate_expiry_timestamp_seconds", Help: "When the certificate of the public port ends, in Unix seconds.",
		}),
	}
	if _, err := c.reload(); err != nil {
		return nil, err
	}
	registerer.MustRegister(c.expiry)
	return c, nil
}

// TLS is the configuration for a listener that shows the certificate.
func (c *Certificate) TLS() *tls.Config {
	return ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil })
}

// reloadInterval is how long new files may go unnoticed.
const reloadInterval = 5 * time.Second

// Run looks at the files now and then until ctx ends.
func (c *Certificate) Run(ctx context.Context) error {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	told := "" // the fault that the log knows of
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		switch changed, err := c.reload(); {
		case err != nil && err.Error() != told:
			told = err.Error()
			c.logger.Error("new certificate not taken, the old one stays", "err", err)
		case changed:
			told = ""
			c.logger.Info("certificate reloaded", "file", c.certFile, "expires", c.current.Load().Leaf.NotAfter)
		}
	}
}

// reload takes the files if they are not those last tried. It compares contents: a copy may well keep the time of its original.
func (c *Certificate) reload() (changed bool, err error) {
	found, err := readPair(c.certFile, c.keyFile)
	if err != nil {
		return false, err
	}
	if bytes.Equal(found.cert, c.seen.cert) && bytes.Equal(found.key, c.seen.key) {
		return false, nil
	}
	c.seen = found
	certificate, err := tls.X509KeyPair(found.cert, found.key)
	if err != nil {
		return false, fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&certificate)
	c.expiry.Set(float64(certificate.Leaf.NotAfter.Unix()))
	return true, nil
}

func readPair(certFile, keyFile string) (pair, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return pair{}, fmt.Errorf("certificate: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return pair{}, fmt.Errorf("key of the certificate: %w", err)
	}
	return pair{cert: cert, key: key}, nil
}
