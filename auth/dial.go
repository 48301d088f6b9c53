package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrAddressRefused is wrapped by the errors of a DialPolicy that refuses a URL or an address.
var ErrAddressRefused = errors.New("address refused")

// Bounds of calls to addresses that customers chose.
const (
	dialTimeout     = 5 * time.Second
	exchangeTimeout = 10 * time.Second
	maxURLBytes     = 2048
	maxHeaderBytes  = 16 << 10 // of an answer
	maxIdle         = 512      // connections of one client that are kept
	idleTimeout     = 90 * time.Second
)

// DialPolicy says which addresses Halley calls on a customer's behalf: key sets, webhooks, discovery. The zero value admits
// https on port 443 of public addresses. The check runs on the address that is dialled, after the name was resolved, so a name
// that changes its address gains nothing.
type DialPolicy struct {
	Ports     []uint16       // empty: 443, and 80 with PlainHTTP
	HighPorts bool           // those from 1024 on besides: none below has a web server, but mail, name and log-in servers
	Allowed   []netip.Prefix // addresses of the operator's own network that are admitted all the same
	PlainHTTP bool           // http besides https
	Roots     *x509.CertPool // nil: those of the system
	Resolver  *net.Resolver  // nil: the system's
	Timeout   time.Duration  // of a whole exchange; 0: 10 s
	KeepAlive int            // idle connections to each host that are kept for the next exchange; 0: none
}

// globalUnicast6 is all that was ever given out of IPv6 (IANA, IPv6 Global Unicast Address Assignments). Beside it lie ways to write IPv4
// addresses that some networks translate, such as ::ffff:0:a.b.c.d (RFC 2765).
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// refusedPrefixes are the special-purpose registries of IANA: whatever is not the public internet.
var refusedPrefixes = parsePrefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// CheckURL parses a URL that a customer enters, so that a form can say at once what is wrong with it. It does not resolve names.
func (p *DialPolicy) CheckURL(text string) (*url.URL, error) {
	if len(text) > maxURLBytes {
		return nil, fmt.Errorf("%w: a URL has at most %d bytes", ErrAddressRefused, maxURLBytes)
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: not a URL", ErrAddressRefused) // url.Error repeats the text, which may hold a password
	}
	switch {
	case !p.admitsScheme(parsed.Scheme):
		return nil, fmt.Errorf("%w: the URL must begin with https://", ErrAddressRefused)
	case parsed.Hostname() == "":
		return nil, fmt.Errorf("%w: the URL has no host", ErrAddressRefused)
	case parsed.User != nil:
		return nil, fmt.Errorf("%w: the URL must not hold a user name or password", ErrAddressRefused)
	case parsed.Fragment != "":
		return nil, fmt.Errorf("%w: the URL must not have a fragment", ErrAddressRefused)
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || !p.admitsPort(uint16(number)) {
			return nil, fmt.Errorf("%w: port %.10s is not called", ErrAddressRefused, port)
		}
	}
	if err := p.checkHost(parsed.Hostname()); err != nil {
		return nil, err
	}
	return parsed, nil
}

// checkHost refuses hosts that are known to be no public address before any name is resolved.
func (p *DialPolicy) checkHost(host string) error {
	address, err := netip.ParseAddr(host)
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	label := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case err == nil && !p.admitsAddress(address):
		return fmt.Errorf("%w: %s is not a public address", ErrAddressRefused, address)
	case err == nil:
		return nil
	case label == "localhost": // RFC 6761 section 6.3: this machine, whatever the resolver says
		if !p.admitsAddress(netip.IPv6Loopback()) && !p.admitsAddress(netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
			return fmt.Errorf("%w: %.100s is not a public address", ErrAddressRefused, host)
		}
	case label == "" || '0' <= label[0] && label[0] <= '9': // such as 127.1, which some resolvers take for an address
		return fmt.Errorf("%w: %.100s is neither a name nor an address", ErrAddressRefused, host)
	}
	return nil
}

// Control is for net.Dialer.ControlContext: it refuses the address that is about to be dialled unless the policy admits it.
func (p *DialPolicy) Control(_ context.Context, network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q: %w", ErrAddressRefused, address, err)
	}
	switch {
	case network != "tcp4" && network != "tcp6":
		return fmt.Errorf("%w: network %s", ErrAddressRefused, network)
	case !p.admitsPort(target.Port()):
		return fmt.Errorf("%w: port %d", ErrAddressRefused, target.Port())
	case !p.admitsAddress(target.Addr()):
		return fmt.Errorf("%w: %s is not a public address", ErrAddressRefused, target.Addr())
	}
	return nil
}

// Client makes an HTTP client that obeys the policy, follows no redirect, uses no proxy and keeps no connection but KeepAlive. An exchange
// takes at most 5 s to connect and Timeout in all. Whoever reads the body must bound it.
func (p *DialPolicy) Client() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: p.Control, Resolver: p.Resolver}
	timeout := p.Timeout
	if timeout == 0 {
		timeout = exchangeTimeout
	}
	transport := &http.Transport{
		Proxy:                  nil, // not even from the environment: a proxy would dial for us, unchecked
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableKeepAlives:      p.KeepAlive == 0,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    max(p.KeepAlive, 1),
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      p.KeepAlive > 0, // which saves nothing for one exchange
		DisableCompression:     true,
	}
	return &http.Client{
		Transport:     checkedTransport{policy: p, next: transport},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkedTransport refuses a URL before anything is resolved.
type checkedTransport struct {
	policy *DialPolicy
	next   *http.Transport
}

// CloseIdleConnections is for http.Client's method of that name.
func (t checkedTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }

// errSwitches is what a call ends with that nobody asked to go over to another protocol.
var errSwitches = errors.New("the answer, 101, is for another protocol than HTTP")

// RoundTrip implements http.RoundTripper. It returns no answer 101: its body is the connection, which no timeout of the client reaches.
func (t checkedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if _, err := t.policy.CheckURL(request.URL.String()); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	response, err := t.next.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusSwitchingProtocols {
		response.Body.Close()
		return nil, errSwitches
	}
	return response, err
}

func (p *DialPolicy) admitsScheme(scheme string) bool {
	return scheme == "https" || scheme == "http" && p.PlainHTTP
}

func (p *DialPolicy) admitsPort(port uint16) bool {
	if p.HighPorts && port >= 1024 {
		return true
	}
	if len(p.Ports) == 0 {
		return port == 443 || port == 80 && p.PlainHTTP
	}
	return slices.Contains(p.Ports, port)
}

// admitsAddress looks at the bare address: an IPv4 address in IPv6 clothes is one, and a zone changes nothing.
func (p *DialPolicy) admitsAddress(address netip.Addr) bool {
	bare := address.Unmap().WithZone("")
	contains := func(prefix netip.Prefix) bool { return prefix.Contains(bare) }
	if slices.ContainsFunc(p.Allowed, contains) {
		return true
	}
	if bare.Is6() && !globalUnicast6.Contains(bare) {
		return false
	}
	return bare.IsGlobalUnicast() && !bare.IsPrivate() && !slices.ContainsFunc(refusedPrefixes, contains)
}

func parsePrefixes(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}
