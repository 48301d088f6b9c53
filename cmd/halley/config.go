package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// storeConfig says where the database is.
type storeConfig struct {
	Database string `placeholder:"URL" env:"HALLEY_DATABASE" help:"Database: postgres://user:password@host/name. Default: SQLite in --data-dir. A URL with a password belongs in the environment or the file, where other users of the machine do not see it."`
	DataDir  string `default:"./data" placeholder:"DIR" env:"HALLEY_DATA_DIR" help:"Folder of the embedded database and of generated secrets; made with mode 0700. Default: ${default}."`

	MasterKeyFile     string `placeholder:"FILE" env:"HALLEY_MASTER_KEY_FILE" help:"File with the master key, which seals the secrets in the database: all nodes of one database need the same. Default: master.key in --data-dir; without that, a key made of the cluster secret; without that, master.key is made."`
	ClusterSecretFile string `placeholder:"FILE" env:"HALLEY_CLUSTER_SECRET_FILE" help:"File with the secret that all nodes share: gossip is encrypted and links are mutual TLS with keys made of it. More lines: further secrets that are accepted. Default: none, and then only loopback addresses take part."`
}

// listenConfig says where clients come in, and how many.
type listenConfig struct {
	Listen               string         `default:":8080" placeholder:"ADDRESS" env:"HALLEY_LISTEN" help:"Public port: API, sockets and console. Default: ${default}."`
	AdminListen          string         `default:"127.0.0.1:9090" placeholder:"ADDRESS" env:"HALLEY_ADMIN_LISTEN" help:"Operator's port: /metrics, /debug/pprof, /healthz and /readyz, without any log-in; \"off\" for none. Default: ${default}."`
	PublicURL            string         `name:"public-url" placeholder:"URL" env:"HALLEY_PUBLIC_URL" help:"How browsers reach the public port: scheme and host. https makes cookies secure and switches HSTS on. Default: from --listen."`
	TrustedProxies       []netip.Prefix `placeholder:"CIDR" env:"HALLEY_TRUSTED_PROXIES" help:"Networks of the proxies in front, whose X-Forwarded-For is believed. The proxy must normalise requests: give it no raw pass-through. Default: none."`
	MaxConnections       int            `default:"0" placeholder:"N" env:"HALLEY_MAX_CONNECTIONS" help:"Open connections on the public port; 0: as many as the system gives. Default: ${default}."`
	WebSocketCompression bool           `name:"websocket-compression" env:"HALLEY_WEBSOCKET_COMPRESSION" help:"Offer permessage-deflate to WebSockets: messages of 256 bytes and more are compressed, once for all receivers. Takes processor time."`
	MaxConnectionsPerIP  int            `name:"max-connections-per-ip" default:"10000" placeholder:"N" env:"HALLEY_MAX_CONNECTIONS_PER_IP" help:"Open connections of one client address (IPv6: one /64); 0: no bound. Default: ${default}."`
	DrainTimeout         time.Duration  `default:"25s" env:"HALLEY_DRAIN_TIMEOUT" help:"After SIGTERM, how long to wait for clients to go. A second signal ends at once. Default: ${default}."`
}

// tlsConfig says where the certificate comes from.
type tlsConfig struct {
	TLSCert       string   `name:"tls-cert" placeholder:"FILE" env:"HALLEY_TLS_CERT" help:"Certificate chain in PEM: the public port speaks HTTPS. Read again when it changes."`
	TLSKey        string   `name:"tls-key" placeholder:"FILE" env:"HALLEY_TLS_KEY" help:"Key of the certificate in PEM. Read again when it changes."`
	ACMEDomain    []string `name:"acme-domain" placeholder:"DOMAIN" env:"HALLEY_ACME_DOMAIN" help:"Get certificates for these domains by ACME, and accept the authority's terms. Port 443 of each must lead to --listen (tls-alpn-01)."`
	ACMEDirectory string   `name:"acme-directory" placeholder:"URL" env:"HALLEY_ACME_DIRECTORY" help:"Directory of the ACME authority. Default: Let's Encrypt."`
	ACMEEmail     string   `name:"acme-email" placeholder:"ADDRESS" env:"HALLEY_ACME_EMAIL" help:"Where the authority may send warnings. Default: nowhere."`
}

// consoleConfig says who may sign up, and how mail goes out.
type consoleConfig struct {
	Signup           string `enum:"open,closed" default:"open" env:"HALLEY_SIGNUP" help:"Who may sign up: open (everybody) or closed (accounts come from halley admin). Default: ${default}."`
	ConfirmMail      bool   `env:"HALLEY_CONFIRM_MAIL" help:"A sign-up counts once a link in a mail was followed: it hides who has an account, and costs the newcomer a step. For installations that strangers reach. Needs --smtp-host."`
	SMTPHost         string `name:"smtp-host" placeholder:"HOST" env:"HALLEY_SMTP_HOST" help:"Mail server. Default: none, mails go to the log."`
	SMTPPort         int    `name:"smtp-port" default:"587" env:"HALLEY_SMTP_PORT" help:"Its port: 587 with STARTTLS, 465 with TLS from the first byte. Default: ${default}."`
	SMTPUser         string `name:"smtp-user" placeholder:"NAME" env:"HALLEY_SMTP_USER" help:"Who logs in there. Default: nobody."`
	SMTPPasswordFile string `name:"smtp-password-file" placeholder:"FILE" env:"HALLEY_SMTP_PASSWORD_FILE" help:"File with the password. The environment variable HALLEY_SMTP_PASSWORD may hold it instead."`
	SMTPInsecure     bool   `name:"smtp-insecure" env:"HALLEY_SMTP_INSECURE" help:"Send without TLS where the server offers none: for a relay on the same machine only."`
	MailFrom         string `placeholder:"ADDRESS" env:"HALLEY_MAIL_FROM" help:"Sender of mails, as \"Halley <halley@example.com>\". Needed with --smtp-host."`
}

// egressConfig says where the node may call out to on behalf of customers.
type egressConfig struct {
	AllowPrivateCIDRs []netip.Prefix `name:"allow-private-cidrs" placeholder:"CIDR" env:"HALLEY_ALLOW_PRIVATE_CIDRS" help:"Private networks in which customers' JWKS URLs and webhooks may lie. Default: none, only public addresses are called."`
}

// Validate refuses settings that contradict each other.
func (c serveCommand) Validate() error {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.TLSCert != "" && len(c.ACMEDomain) > 0:
		return errors.New("--tls-cert and --acme-domain exclude each other")
	case c.SMTPHost != "" && c.MailFrom == "":
		return errors.New("--smtp-host needs --mail-from")
	case c.ConfirmMail && c.SMTPHost == "":
		return errors.New("--confirm-mail needs --smtp-host: nobody would get the mail")
	case c.DrainTimeout < 0:
		return errors.New("--drain-timeout must not be negative")
	case c.MaxConnections < 0 || c.MaxConnectionsPerIP < 0:
		return errors.New("--max-connections and --max-connections-per-ip must not be negative")
	}
	if err := c.clusterConfig.validate(c.Database); err != nil {
		return err
	}
	if c.clustered() {
		if _, err := c.gossipAddress(); err != nil {
			return err
		}
	}
	if err := validAddress(c.Listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if c.AdminListen != adminOff {
		if err := validAddress(c.AdminListen); err != nil {
			return fmt.Errorf("--admin-listen: %w", err)
		}
	}
	if c.PublicURL != "" {
		return validPublicURL(c.PublicURL)
	}
	return nil
}

// adminOff is the value of --admin-listen for no operator's port.
const adminOff = "off"

func validAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q: want a number up to 65535", port)
	}
	return nil
}

func validPublicURL(text string) error {
	public, err := url.Parse(text)
	if err != nil || public.Host == "" || public.Scheme != "http" && public.Scheme != "https" {
		return fmt.Errorf("--public-url %q: want http://host or https://host", text)
	}
	if public.Path != "" && public.Path != "/" || public.RawQuery != "" || public.User != nil {
		return fmt.Errorf("--public-url %q: want scheme and host alone", text)
	}
	return nil
}

// originOf is the origin that browsers name for pages of a URL that is valid: lower case, without the scheme's usual port.
func originOf(public string) string {
	parsed, err := url.Parse(strings.ToLower(public))
	if err != nil {
		return ""
	}
	host := parsed.Host
	if usual := map[string]string{"http": ":80", "https": ":443"}[parsed.Scheme]; usual != "" {
		host = strings.TrimSuffix(host, usual)
	}
	return parsed.Scheme + "://" + host
}

// https reports whether the public port speaks TLS itself.
func (c tlsConfig) https() bool { return c.TLSCert != "" || len(c.ACMEDomain) > 0 }

// publicURL is how browsers reach the public port, where listening says on which address that is.
func (c serveCommand) publicURL(listening *net.TCPAddr) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	scheme, usual := "http", 80
	if c.https() {
		scheme, usual = "https", 443
	}
	host := "localhost"
	switch {
	case len(c.ACMEDomain) > 0:
		host = c.ACMEDomain[0]
	case !listening.IP.IsUnspecified():
		host = listening.IP.String()
	}
	if listening.Port == usual {
		return (&url.URL{Scheme: scheme, Host: bracketed(host)}).String()
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(listening.Port))}).String()
}

// bracketed writes an IPv6 address as it stands in a URL.
func bracketed(host string) string {
	if address, err := netip.ParseAddr(host); err == nil && address.Is6() {
		return "[" + host + "]"
	}
	return host
}
