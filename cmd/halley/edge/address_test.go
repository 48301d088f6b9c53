package edge_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"halley/cmd/halley/edge"
)

// clientSeen is the address that a handler behind the edge sees.
func clientSeen(trusted, peer string, forwarded []string) string {
	var prefixes []netip.Prefix
	if trusted != "" {
		for text := range strings.SplitSeq(trusted, ",") {
			prefixes = append(prefixes, netip.MustParsePrefix(text))
		}
	}
	var seen string
	handler := edge.ClientAddress(prefixes, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr }))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.RemoteAddr = peer
	request.Header["X-Forwarded-For"] = forwarded
	handler.ServeHTTP(httptest.NewRecorder(), request)
	return seen
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	const proxies = "10.0.0.0/8,fd00::/8"
	tests := []struct {
		name, trusted, peer string
		forwarded           []string
		want                string
	}{
		{"nobody is trusted", "", "10.0.0.1:999", []string{"1.2.3.4"}, "10.0.0.1:999"},
		{"a stranger speaks", proxies, "9.9.9.9:999", []string{"1.2.3.4"}, "9.9.9.9:999"},
		{"a proxy speaks", proxies, "10.0.0.1:999", []string{"1.2.3.4"}, "1.2.3.4:0"},
		{"a proxy over IPv6", proxies, "[fd00::1]:999", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"a mapped peer", proxies, "[::ffff:10.0.0.1]:999", []string{"1.2.3.4"}, "1.2.3.4:0"},
		{"the client lies about more", proxies, "10.0.0.1:999", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4:0"},
		{"two proxies", proxies, "10.0.0.1:999", []string{"6.6.6.6, 1.2.3.4, 10.0.0.2"}, "1.2.3.4:0"},
		{"two headers", proxies, "10.0.0.1:999", []string{"1.2.3.4", "10.0.0.2"}, "1.2.3.4:0"},
		{"nothing is said", proxies, "10.0.0.1:999", nil, "10.0.0.1:0"},
		{"nonsense is said", proxies, "10.0.0.1:999", []string{"who knows"}, "10.0.0.1:0"},
		{"nonsense on the right", proxies, "10.0.0.1:999", []string{"1.2.3.4, unknown"}, "10.0.0.1:0"},
		{"only proxies are named", proxies, "10.0.0.1:999", []string{"10.0.0.3"}, "10.0.0.1:0"},
		{"a zone is no hiding place", proxies, "10.0.0.1:999", []string{"fe80::1%eth0"}, "[fe80::1]:0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := clientSeen(test.trusted, test.peer, test.forwarded); got != test.want {
				t.Errorf("the client is %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever a proxy passes on, the client has an address, and it is never that of an address we trust unless it is the peer's own.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.2", ",,,", "[::1]:80", "::ffff:10.0.0.9", "fe80::1%25eth0", "1.2.3.4:80", strings.Repeat("1.1.1.1,", 99)} {
		f.Add(seed)
	}
	trusted := netip.MustParsePrefix("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, header string) {
		seen := clientSeen(trusted.String(), "10.0.0.1:999", []string{header})
		host, port, err := net.SplitHostPort(seen)
		if err != nil || port != "0" {
			t.Fatalf("the client of %q is %q", header, seen)
		}
		address, err := netip.ParseAddr(host)
		if err != nil {
			t.Fatalf("the client of %q is %q: %v", header, seen, err)
		}
		if trusted.Contains(address.Unmap()) && fmt.Sprint(address) != "10.0.0.1" {
			t.Fatalf("%q makes the client a proxy: %s", header, seen)
		}
	})
}
