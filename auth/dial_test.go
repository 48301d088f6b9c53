package auth_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"halley/auth"
)

// loopbackForms are 21 ways to write addresses that are not of the public internet, most of them this machine. The last five are
// names under Go's own resolver and addresses under that of some C libraries; one is a name that resolves to them.
var loopbackForms = []string{
	"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
	"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
	"[fe80::1%25eth0]", "[fd00::1]",
	"2130706433", "0177.0.0.1", "127.1", "0x7f000001", "localhost.example.com",
}

func TestTwentyOneAddresses(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	names := newNameServer(t, netip.MustParseAddr("127.0.0.1")) // every name is this machine, as a C library would have it
	port := portOf(t, server.URL)
	policy := auth.DialPolicy{Ports: []uint16{port}, PlainHTTP: true, Resolver: names.resolver()}
	if len(loopbackForms) != 21 {
		t.Fatalf("%d forms, want 21", len(loopbackForms))
	}
	for _, host := range loopbackForms {
		response, err := policy.Client().Get("http://" + host + ":" + strconv.Itoa(int(port)) + "/")
		if err == nil {
			response.Body.Close()
		}
		_, noName := errors.AsType[*net.DNSError](err) // Go asks no server for a name whose last label is a number
		if !errors.Is(err, auth.ErrAddressRefused) && !noName {
			t.Errorf("%s: err = %v, want ErrAddressRefused", host, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
	if names.asked.Load() == 0 {
		t.Error("no name was resolved, so the control was not tried behind the resolver")
	}
	policy.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	response, err := policy.Client().Get("http://localhost.example.com:" + strconv.Itoa(int(port)) + "/")
	if err != nil {
		t.Fatalf("the operator's own address: %v", err)
	}
	response.Body.Close()
	if hits.Load() != 1 {
		t.Error("the request did not arrive")
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	policy := auth.DialPolicy{Ports: []uint16{443}, Allowed: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fe80::/64"),
	}}
	for address, good := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1:248:1893:25c8:1946]:443": true, "[::ffff:93.184.216.34]:443": true,
		"10.1.2.3:443": true, "[::ffff:10.1.2.3]:443": true, "10.2.2.3:443": false,
		"[fe80::1%eth0]:443": true, "[fe80:1::1%eth0]:443": false,
		"93.184.216.34:80": false, "93.184.216.34:22": false, "10.1.2.3:80": false,
		"93.184.216.34": false, "example.com:443": false, "": false,
		"[::ffff:0:7f00:1]:443": false, "[64:ff9a::a00:1]:443": false, "[4000::1]:443": false, "[e000::1]:443": false,
		"0.1.2.3:443": false, "100.127.255.255:443": false, "192.0.0.8:443": false,
		"192.0.2.1:443": false, "192.88.99.1:443": false,
		"198.18.0.1:443": false, "198.51.100.1:443": false, "203.0.113.1:443": false,
		"224.0.0.1:443": false, "240.0.0.1:443": false,
		"255.255.255.255:443": false, "[100::1]:443": false, "[2001::1]:443": false,
		"[2001:db8::1]:443": false, "[2002:7f00:1::]:443": false,
		"[3fff::1]:443": false, "[5f00::1]:443": false, "[fc00::1]:443": false, "[fec0::1]:443": false, "[ff02::1]:443": false,
		"100.63.255.255:443": true, "100.128.0.0:443": true, "172.15.0.1:443": true, "172.32.0.1:443": true,
		"192.167.0.1:443": true, "198.20.0.1:443": true,
	} {
		err := policy.Control(t.Context(), "tcp4", address, nil)
		if (err == nil) != good || !good && !errors.Is(err, auth.ErrAddressRefused) {
			t.Errorf("%s: err = %v, want admitted: %v", address, err, good)
		}
	}
	if err := policy.Control(t.Context(), "udp4", "93.184.216.34:443", nil); !errors.Is(err, auth.ErrAddressRefused) {
		t.Errorf("UDP: err = %v, want ErrAddressRefused", err)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	strict, plain := &auth.DialPolicy{}, &auth.DialPolicy{PlainHTTP: true}
	for _, test := range []struct {
		policy *auth.DialPolicy
		text   string
		says   string
	}{
		{strict, "https://login.example.com/.well-known/jwks.json?v=1", ""},
		{strict, "https://93.184.216.34:443/", ""},
		{strict, "https://93.184.216.34:8443/", "port 8443"},
		{plain, "http://login.example.com/", ""},
		{strict, "http://login.example.com/", "https://"},
		{plain, "ftp://login.example.com/", "https://"},
		{strict, "login.example.com", "https://"},
		{strict, "", "https://"},
		{strict, "https:///jwks", "no host"},
		{strict, "https://ada:secret@example.com/", "user name"},
		{strict, "https://example.com/#a", "fragment"},
		{strict, "https://127.0.0.1/", "not a public address"},
		{strict, "https://[fe80::1%25eth0]/", "not a public address"},
		{strict, "https://exa mple.com/", "not a URL"},
		{strict, "https://example.com/" + strings.Repeat("a", 2048), "2048 bytes"},
	} {
		parsed, err := test.policy.CheckURL(test.text)
		switch {
		case test.says == "":
			if err != nil || parsed.String() != test.text {
				t.Errorf("%s: %v, %v", test.text, parsed, err)
			}
		case !errors.Is(err, auth.ErrAddressRefused) || !strings.Contains(err.Error(), test.says):
			t.Errorf("%s: err = %v, want ErrAddressRefused that says %q", test.text, err, test.says)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error shows the password", test.text)
		}
	}
}

func TestDefaultPorts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		plain bool
		port  string
		good  bool
	}{{false, "443", true}, {false, "80", false}, {true, "443", true}, {true, "80", true}, {true, "8080", false}} {
		policy := auth.DialPolicy{PlainHTTP: test.plain}
		if err := policy.Control(t.Context(), "tcp4", "93.184.216.34:"+test.port, nil); (err == nil) != test.good {
			t.Errorf("plain %v, port %s: err = %v, want admitted: %v", test.plain, test.port, err, test.good)
		}
	}
}

// TestClientUsesNoProxy is not parallel: it changes the environment.
func TestClientUsesNoProxy(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	names := newNameServer(t, netip.MustParseAddr("127.0.0.1"))
	policy := auth.DialPolicy{PlainHTTP: true, Ports: []uint16{portOf(t, proxy.URL)}, Resolver: names.resolver()}
	_, err := policy.Client().Get("http://push.example.com:" + strconv.Itoa(int(policy.Ports[0])) + "/")
	if !errors.Is(err, auth.ErrAddressRefused) {
		t.Errorf("err = %v, want ErrAddressRefused", err)
	}
	if proxied.Load() != 0 {
		t.Error("the proxy of the environment was asked")
	}
}

func TestClientGivesUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	policy := ownServers(t, server)
	policy.Timeout = 50 * time.Millisecond
	_, err := policy.Client().Get(server.URL)
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("err = %v, want a time-out", err)
	}
	if got := (&auth.DialPolicy{}).Client().Timeout; got != 10*time.Second {
		t.Errorf("by default it gives up after %v, want 10 s", got)
	}
}

func TestClientClosesTheBodyOfARefusedRequest(t *testing.T) {
	t.Parallel()
	body := &closingBody{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "ftp://example.com/", body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&auth.DialPolicy{}).Client().Do(request); !errors.Is(err, auth.ErrAddressRefused) || !body.closed {
		t.Errorf("err = %v, body closed: %v", err, body.closed)
	}
}

type closingBody struct {
	strings.Reader
	closed bool
}

func (b *closingBody) Close() error {
	b.closed = true
	return nil
}

// ownServers is a policy that admits the test's servers on this machine.
func ownServers(t *testing.T, servers ...*httptest.Server) auth.DialPolicy {
	t.Helper()
	policy := auth.DialPolicy{PlainHTTP: true, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, server := range servers {
		policy.Ports = append(policy.Ports, portOf(t, server.URL))
	}
	return policy
}

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(parsed.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}
