package edge

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets and renews certificates for some domains by the ACME protocol (RFC 8555). The authority checks each domain by a TLS
// connection to its port 443 (tls-alpn-01, RFC 8737), which must lead to our listener.
type ACME struct {
	Domains   []string
	Directory string       // of the authority; empty: Let's Encrypt
	Email     string       // for the authority's warnings; may be empty
	CacheDir  string       // keeps the account key and the certificates; made with mode 0700
	Client    *http.Client // to the authority; nil: http.DefaultClient
	Logger    *slog.Logger
}

// TLS is the configuration for a listener that shows the certificates and answers the authority's checks.
func (a ACME) TLS() (*tls.Config, error) {
	if len(a.Domains) == 0 {
		return nil, errors.New("acme: no domain is given")
	}
	for _, domain := range a.Domains {
		if !strings.Contains(domain, ".") || strings.ContainsAny(domain, ":/* ") {
			return nil, errors.New("acme: not a domain that a certificate can be had for: " + domain)
		}
	}
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(a.CacheDir),
		HostPolicy: autocert.HostWhitelist(a.Domains...),
		Email:      a.Email,
		Client:     &acme.Client{DirectoryURL: a.directory(), HTTPClient: a.Client, UserAgent: "halley"},
	}
	reports := &acmeReports{domains: a.Domains, logger: a.Logger}
	config := ServerTLS(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		certificate, err := manager.GetCertificate(hello)
		if err != nil {
			reports.failed(hello.ServerName, err)
		}
		return certificate, err
	})
	config.NextProtos = append(config.NextProtos, acme.ALPNProto)
	return config, nil
}

func (a ACME) directory() string {
	if a.Directory == "" {
		return acme.LetsEncryptURL
	}
	return a.Directory
}

// acmeReports tells the operator of domains without a certificate. Strangers who ask for other names are no news.
type acmeReports struct {
	domains []string
	logger  *slog.Logger
	warning warning
}

func (a *acmeReports) failed(domain string, err error) {
	switch {
	case !slices.Contains(a.domains, strings.ToLower(strings.TrimSuffix(domain, "."))):
		a.logger.Debug("no certificate for this name", "domain", domain, "err", err)
	case a.warning.due():
		a.logger.Error("no certificate", "domain", domain, "err", err)
	}
}
