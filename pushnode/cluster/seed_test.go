package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeedsAreRead(t *testing.T) {
	for text, want := range map[string]seed{
		"10.0.0.1":                   {"10.0.0.1", 7946, false},
		"10.0.0.1:80":                {"10.0.0.1", 80, false},
		"::1":                        {"::1", 7946, false},
		"[::1]:80":                   {"::1", 80, false},
		"::ffff:10.0.0.1":            {"10.0.0.1", 7946, false},
		"halley":                     {"halley", 7946, false},
		"halley.svc.local:7000":      {"halley.svc.local", 7000, false},
		"_halley._udp.example.com":   {"_halley._udp.example.com", 7946, true},
		"_halley._udp.example.com:1": {"_halley._udp.example.com", 1, false},
	} {
		if got, err := parseSeed(text); err != nil || got != want {
			t.Errorf("%s: got %+v, error %v, want %+v", text, got, err, want)
		}
	}
}

// resolver answers from tables, or never.
type resolver struct {
	hosts map[string][]string
	srv   map[string][]*net.SRV
	hang  bool
}

func (r resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if r.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var ips []netip.Addr
	for _, text := range r.hosts[host] {
		ips = append(ips, netip.MustParseAddr(text))
	}
	return ips, nil
}

func (r resolver) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	return name, r.srv[name], nil
}

func TestSeedsAreResolved(t *testing.T) {
	many := []string{}
	for i := range 2 * maxAddresses {
		many = append(many, fmt.Sprintf("10.1.%d.%d", i>>8, i&255))
	}
	r := resolver{
		hosts: map[string][]string{"b": {"10.0.0.2", "::ffff:10.0.0.1", "10.0.0.2"}, "v6": {"fd00::1"}, "many": many},
		srv:   map[string][]*net.SRV{"_a._udp.x": {{Target: "b", Port: 1}, {Target: "v6", Port: 2}}, "_part._udp.x": {{Target: "b", Port: 1}, {Target: "gone", Port: 2}}},
	}
	for text, want := range map[string][]string{
		"10.9.9.9":     {"10.9.9.9:7946"},
		"b":            {"10.0.0.1:7946", "10.0.0.2:7946"},
		"v6:80":        {"[fd00::1]:80"},
		"_a._udp.x":    {"10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:2"},
		"gone":         nil,
		"_none._udp.x": nil,
		"_part._udp.x": nil, // not a part for the whole
	} {
		s, err := parseSeed(text)
		if err != nil {
			t.Fatal(err)
		}
		got := resolveAll(t.Context(), r, []seed{s})[0]
		var addresses []string
		for _, a := range got.addresses {
			addresses = append(addresses, a.String())
		}
		if !slices.Equal(addresses, want) || (got.err != nil) != (want == nil) {
			t.Errorf("%s: got %v, error %v, want %v", text, addresses, got.err, want)
		}
	}
	if got := resolveAll(t.Context(), r, []seed{{host: "many", port: 1}})[0]; len(got.addresses) != maxAddresses {
		t.Errorf("%d addresses of one name", len(got.addresses))
	}
}

func TestLookUpsHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got := resolveAll(t.Context(), resolver{hang: true}, []seed{{host: "a", port: 1}, {host: "b", port: 1}, {host: "10.0.0.1", port: 1}})
		if time.Since(began) != resolveTimeout || !errors.Is(got[0].err, context.DeadlineExceeded) || len(got[2].addresses) != 1 {
			t.Errorf("got %v after %v", got, time.Since(began))
		}
	})
}

func TestAdvertised(t *testing.T) {
	given, local := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("127.0.0.1:2")
	if got := advertised(Config{Advertise: given}, local); got != given {
		t.Errorf("got %v, want what was given", got)
	}
	if got := advertised(Config{}, local); got != local {
		t.Errorf("got %v, want what is bound", got)
	}
	if own := ownAddresses(Config{Bind: local, Advertise: given}, given); !own[local] || !own[given] || len(own) != 2 {
		t.Errorf("its own are %v", own)
	}
	every := netip.MustParseAddrPort("0.0.0.0:3")
	if got := advertised(Config{}, every); got.Addr().IsUnspecified() || got.Port() != 3 {
		t.Errorf("got %v for every address", got)
	}
	if own := ownAddresses(Config{Bind: every}, given); !own[netip.MustParseAddrPort("127.0.0.1:3")] {
		t.Errorf("its own are %v, without loopback", own)
	}
}
