package auth_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"halley/auth"
)

// newKeySets makes sets whose failures nobody reads.
func newKeySets(policy auth.DialPolicy) *auth.KeySets {
	return auth.NewKeySets(policy, slog.New(slog.DiscardHandler))
}

// A URL that does not answer is told to the operator, not with each token, and without what its query may hold.
func TestBrokenKeySetIsLogged(t *testing.T) {
	t.Parallel()
	p, other := newPublisher(t), newPublisher(t)
	p.fail(http.StatusNotFound)
	other.fail(http.StatusBadGateway)
	var log bytes.Buffer
	sets := auth.NewKeySets(ownServers(t, p.Server, other.Server), slog.New(slog.NewTextHandler(&log, nil)))
	ask := func(url string, after time.Duration) error {
		_, err := sets.Key(t.Context(), url, "key", noon.Add(after))
		return err
	}
	warnings := func() int { return strings.Count(log.String(), `level=WARN msg="key set not fetched"`) }
	const query = "/jwks?secret=hush"
	for after := time.Duration(0); after < 5*time.Minute; after += 10 * time.Second {
		if err := ask(p.URL+query, after); !errors.Is(err, auth.ErrKeySet) || !errors.Is(err, auth.ErrUnavailable) {
			t.Fatalf("after %v: %v, want ErrKeySet and ErrUnavailable", after, err)
		}
	}
	if got := warnings(); got != 1 {
		t.Errorf("%d warnings in five minutes, want 1", got)
	}
	if text := log.String(); !strings.Contains(text, p.URL+"/jwks ") || !strings.Contains(text, "answered 404") ||
		strings.Contains(text, "hush") {
		t.Errorf("the log says %s", text)
	}
	_ = ask(other.URL, time.Minute)
	if got := warnings(); got != 2 {
		t.Errorf("%d warnings after another URL failed, want 2", got)
	}
	_ = ask(p.URL+query, 5*time.Minute)
	if got := warnings(); got != 3 {
		t.Errorf("%d warnings after five minutes, want 3", got)
	}
	p.publish("", "key")
	if err := ask(p.URL+query, 6*time.Minute); err != nil || warnings() != 3 {
		t.Errorf("after it was put right: %v, %s", err, log.String())
	}
}

// TestCheckURLKnowsHosts refuses hosts of which it is known, without asking anybody, that they will not be called.
func TestCheckURLKnowsHosts(t *testing.T) {
	t.Parallel()
	strict := auth.DialPolicy{}
	lenient := auth.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")}}
	for _, test := range []struct {
		host string
		says string // of the strict one; empty: it is admitted
		both bool   // the lenient one says the same
	}{
		{"login.example.com", "", true},
		{"LOGIN.EXAMPLE.COM.", "", true},
		{"login.example.com:443", "", true},
		{"93.184.215.14", "", true},
		{"1and1.example", "", true},
		{"10.1.2.3", "10.1.2.3 is not a public address", false},
		{"127.0.0.1", "not a public address", false},
		{"[::1]", "not a public address", true},
		{"[::ffff:10.1.2.3]", "not a public address", false},
		{"192.168.1.1", "not a public address", true},
		{"localhost", "localhost is not a public address", false},
		{"LocalHost.", "not a public address", false},
		{"keys.localhost", "not a public address", false},
		{"127.1", "127.1 is neither a name nor an address", true},
		{"2130706433", "neither a name nor an address", true},
		{"0x7f.1", "neither a name nor an address", true},
		{"login.example.com:8443", "port 8443 is not called", true},
		{"login.example.com:80", "port 80 is not called", true},
		{"login.example.com:99999", "port 99999 is not called", true},
	} {
		address := "https://" + test.host + "/jwks.json"
		_, err := strict.CheckURL(address)
		if (err == nil) != (test.says == "") ||
			err != nil && (!errors.Is(err, auth.ErrAddressRefused) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want %q", test.host, err, test.says)
		}
		if _, err := lenient.CheckURL(address); (err == nil) != (test.says == "" || !test.both) {
			t.Errorf("%s, with private networks admitted: %v", test.host, err)
		}
	}
}
