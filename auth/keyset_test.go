package auth_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halley/auth"
)

// publisher is a customer's server of keys. What it answers can be changed at any time.
type publisher struct {
	*httptest.Server
	fetches atomic.Int32
	handler atomic.Value // http.HandlerFunc
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.handler.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) answer(handler http.HandlerFunc) { p.handler.Store(handler) }

// publish answers with the Ed25519 keys of these seeds, each under its seed as kid.
func (p *publisher) publish(cacheControl string, seeds ...string) {
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		var keys []string
		for _, seed := range seeds {
			keys = append(keys, jwkOfEd(seed, private(seed)))
		}
		w.Header().Set("Cache-Control", cacheControl)
		fmt.Fprint(w, jwksText(keys...))
	})
}

func (p *publisher) fail(status int) {
	p.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// checkFetches compares the number of fetches so far.
func (p *publisher) checkFetches(t *testing.T, when string, want int32) {
	t.Helper()
	if got := p.fetches.Load(); got != want {
		t.Errorf("%s: %d fetches so far, want %d", when, got, want)
	}
}

func signedBySeed(t *testing.T, seed string, issued time.Time) string {
	t.Helper()
	times := map[string]string{"iat": fmt.Sprint(issued.Unix()), "exp": fmt.Sprint(issued.Unix() + 600)}
	header := fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, seed)
	return compact(t, jwt.SigningMethodEdDSA, private(seed), header, payload(times))
}

// TestRotationWithoutAFailedVerification lets a customer add a key, sign with it at once, and take the old one away.
func TestRotationWithoutAFailedVerification(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("max-age=3600", "old")
	w := newWorld(t, ownServers(t, p.Server))
	w.trust["app_a"] = auth.TokenTrust{JWKSURL: p.URL}
	check := func(seed string, after time.Duration) {
		t.Helper()
		now := noon.Add(after)
		if _, err := w.verifier.Authenticate(t.Context(), signedBySeed(t, seed, now), now); err != nil {
			t.Errorf("signed by %s after %v: %v", seed, after, err)
		}
	}
	check("old", 0)
	check("old", time.Minute)
	p.checkFetches(t, "while the set is fresh", 1)
	p.publish("max-age=3600", "old", "new")
	check("new", 2*time.Minute)
	check("old", 2*time.Minute)
	p.checkFetches(t, "after the new key was met", 2)
	p.publish("max-age=3600", "new")
	check("old", 30*time.Minute)
	check("new", 30*time.Minute)
	p.checkFetches(t, "while the second set is fresh", 2)
	check("new", 63*time.Minute)
	p.checkFetches(t, "when it is no longer fresh", 3)
	now := noon.Add(64 * time.Minute)
	if _, err := w.verifier.Authenticate(t.Context(), signedBySeed(t, "old", now), now); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("the old key is gone: err = %v, want ErrUnknownKey", err)
	}
}

func TestKidFloodCausesOneFetch(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "known")
	sets := newKeySets(ownServers(t, p.Server))
	ask := func(kid string, after time.Duration) error {
		_, err := sets.Key(t.Context(), p.URL, kid, noon.Add(after))
		return err
	}
	if err := ask("known", 0); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		after := time.Minute + time.Duration(i)*29*time.Millisecond
		if err := ask(fmt.Sprint("flood", i), after); !errors.Is(err, auth.ErrUnknownKey) {
			t.Fatalf("err = %v, want ErrUnknownKey", err)
		}
	}
	p.checkFetches(t, "29 s of unknown kids", 2)
	if err := ask("known", time.Minute+29*time.Second); err != nil {
		t.Errorf("the flood took the good key away: %v", err)
	}
	if err := ask("flood", 90*time.Second); !errors.Is(err, auth.ErrUnknownKey) {
		t.Error(err)
	}
	p.checkFetches(t, "30 s later", 3)
}

func TestStaleKeysServeForADay(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "key")
	sets := newKeySets(ownServers(t, p.Server))
	if _, err := sets.Key(t.Context(), p.URL, "key", noon); err != nil {
		t.Fatal(err)
	}
	p.fail(http.StatusInternalServerError)
	for _, test := range []struct {
		after   time.Duration
		want    error
		fetches int32
	}{
		{5*time.Minute - 1, nil, 1},
		{5 * time.Minute, nil, 2},
		{5*time.Minute + 29*time.Second, nil, 2},
		{5*time.Minute + 30*time.Second, nil, 3},
		{24*time.Hour - 1, nil, 4},
		{24 * time.Hour, auth.ErrUnavailable, 4},
		{24*time.Hour + 5*time.Second, auth.ErrUnavailable, 5},
		{24*time.Hour + 9*time.Second, auth.ErrUnavailable, 5},
	} {
		key, err := sets.Key(t.Context(), p.URL, "key", noon.Add(test.after))
		if !errors.Is(err, test.want) || err == nil && key.ID() != "key" {
			t.Errorf("after %v: %v, %v, want %v", test.after, key, err, test.want)
		}
		p.checkFetches(t, fmt.Sprint("after ", test.after), test.fetches)
	}
	p.publish("", "key")
	if _, err := sets.Key(t.Context(), p.URL, "key", noon.Add(25*time.Hour)); err != nil {
		t.Errorf("the publisher is back: %v", err)
	}
}

func TestFreshnessFollowsTheHeaderWithinBounds(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                                  5 * time.Minute,
		"max-age=1":                         5 * time.Minute,
		"max-age=-5":                        5 * time.Minute,
		"max-age=many":                      5 * time.Minute,
		"max-age=99999999999999999999":      5 * time.Minute,
		"max-age=600":                       10 * time.Minute,
		`public, Max-Age="600" , immutable`: 10 * time.Minute,
		"no-store, max-age=600":             5 * time.Minute,
		"max-age=600, no-cache":             5 * time.Minute,
		"max-age=604800":                    24 * time.Hour,
	} {
		p := newPublisher(t)
		p.publish(header, "key")
		sets := newKeySets(ownServers(t, p.Server))
		for i, after := range []time.Duration{0, want - 1, want} {
			if _, err := sets.Key(t.Context(), p.URL, "key", noon.Add(after)); err != nil {
				t.Fatal(err)
			}
			p.checkFetches(t, fmt.Sprintf("%q after %v", header, after), int32(1+i/2))
		}
	}
}

func TestOneFetchAtATime(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	entered, release := make(chan struct{}), make(chan struct{})
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		close(entered) // a second fetch would panic here
		<-release
		fmt.Fprint(w, jwksText(jwkOfEd("key", private("key"))))
	})
	sets := newKeySets(ownServers(t, p.Server))
	var group sync.WaitGroup
	ask := func(ctx context.Context) error {
		_, err := sets.Key(ctx, p.URL, "key", noon)
		return err
	}
	hangUp, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		if err := ask(hangUp); err != nil {
			t.Errorf("the caller that fetches: %v", err)
		}
	})
	<-entered
	for range 20 {
		group.Go(func() {
			if err := ask(t.Context()); err != nil {
				t.Errorf("a caller that waits: %v", err)
			}
		})
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := ask(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that does not wait: err = %v, want its context's", err)
	}
	cancel() // the fetch goes on for the others
	close(release)
	group.Wait()
	p.checkFetches(t, "after all", 1)
}

// TestNobodyWaitsForARefresh holds a refresh up: those who have a stale key go on with it.
func TestNobodyWaitsForARefresh(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "key")
	sets := newKeySets(ownServers(t, p.Server))
	if _, err := sets.Key(t.Context(), p.URL, "key", noon); err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusBadGateway)
	})
	later := noon.Add(10 * time.Minute)
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := sets.Key(t.Context(), p.URL, "key", later); err != nil {
			t.Errorf("the caller that refreshes: %v", err)
		}
	})
	<-entered
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	for _, now := range []time.Time{later, later.Add(time.Minute)} {
		if key, err := sets.Key(impatient, p.URL, "key", now); err != nil || key.ID() != "key" {
			t.Errorf("a caller beside it: %v, %v", key, err)
		}
	}
	close(release)
	group.Wait()
}

func TestSetsThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	secret := newPublisher(t) // stands for a metadata service
	secret.publish("", "key")
	var written atomic.Int64
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"redirect to a metadata address": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, "answered 302"},
		"redirect to an admitted address": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, secret.URL, http.StatusTemporaryRedirect)
		}, "answered 307"},
		"not found": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "answered 404"},
		"endless body": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				n, err := fmt.Fprint(w, strings.Repeat(" ", 4096))
				if written.Add(int64(n)); err != nil {
					return
				}
			}
		}, "more than 65536 bytes"},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("a", 32<<10))
		}, "headers exceeded"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "not a usable JWK"},
		"body is cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"keys":[`)
		}, "unexpected EOF"},
	} {
		p := newPublisher(t)
		p.answer(test.handler)
		sets := newKeySets(ownServers(t, p.Server, secret.Server))
		_, err := sets.Key(t.Context(), p.URL+"/?token=abc", "key", noon)
		if !errors.Is(err, auth.ErrUnavailable) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want ErrUnavailable that says %q", name, err, test.says)
		}
		if err != nil && strings.Contains(err.Error(), "token=abc") {
			t.Errorf("%s: the error shows the URL's query: %v", name, err)
		}
	}
	secret.checkFetches(t, "redirects are not followed", 0)
	if got := written.Load(); got > 8<<20 {
		t.Errorf("%d bytes of the endless body were taken", got)
	}
	strict := newKeySets(auth.DialPolicy{})
	if _, err := strict.Key(t.Context(), secret.URL, "key", noon); !errors.Is(err, auth.ErrAddressRefused) {
		t.Errorf("by the default policy: err = %v, want ErrAddressRefused", err)
	}
	if _, err := strict.Key(t.Context(), "https://a b/", "key", noon); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("no URL: err = %v, want ErrUnavailable", err)
	}
}

// TestRebinding lets a name change its address from an admitted one to one that is not, between two fetches.
func TestRebinding(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "key")
	names := newNameServer(t, netip.MustParseAddr("127.0.0.1"))
	policy := ownServers(t, p.Server)
	policy.Resolver = names.resolver()
	sets := newKeySets(policy)
	address := fmt.Sprintf("http://keys.example.com:%d/", policy.Ports[0])
	if _, err := sets.Key(t.Context(), address, "key", noon); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"169.254.169.254", "127.0.0.2", "10.0.0.1"} {
		names.address.Store(netip.MustParseAddr(target))
		if _, err := newKeySets(policy).Key(t.Context(), address, "key", noon); !errors.Is(err, auth.ErrAddressRefused) {
			t.Errorf("the name now means %s: err = %v, want ErrAddressRefused", target, err)
		}
	}
	p.checkFetches(t, "after rebinding", 1)
}

func TestRefusedKeyOfASetIsNamed(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, jwksText(jwkOfEd("good", private("good")), `{"kty":"oct","kid":"shared","k":"AAAA"}`))
	})
	w := newWorld(t, ownServers(t, p.Server))
	w.trust["app_a"] = auth.TokenTrust{JWKSURL: p.URL}
	text := compact(t, jwt.SigningMethodHS256, []byte{0, 0, 0}, `{"alg":"HS256","kid":"shared"}`, payload(nil))
	if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonWeakKey || !strings.Contains(err.Error(), "symmetric") {
		t.Errorf("err = %v, want it to say why the key cannot be used", err)
	}
}

func TestTokenWithoutKidOfAKeySet(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "only")
	w := newWorld(t, ownServers(t, p.Server))
	w.trust["app_a"] = auth.TokenTrust{JWKSURL: p.URL}
	text := compact(t, jwt.SigningMethodEdDSA, private("only"), `{"alg":"EdDSA"}`, payload(nil))
	if _, err := w.authenticate(t, text); err != nil {
		t.Errorf("the set has one key: %v", err)
	}
	p.publish("", "only", "other")
	again := w.newVerifier(ownServers(t, p.Server), 0)
	if _, err := again.Authenticate(t.Context(), text, noon); reasonOf(err) != auth.ReasonKeyID {
		t.Errorf("the set has two: err = %v, want it refused for want of a kid", err)
	}
}

// TestKeyTakenFromTheSetKillsRememberedTokens uses a token whose signature was verified before.
func TestKeyTakenFromTheSetKillsRememberedTokens(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("", "leaked", "other")
	w := newWorld(t, ownServers(t, p.Server))
	w.trust["app_a"] = auth.TokenTrust{JWKSURL: p.URL}
	text := signedBySeed(t, "leaked", noon)
	if _, err := w.authenticate(t, text); err != nil {
		t.Fatal(err)
	}
	p.publish("", "other")
	if _, err := w.verifier.Authenticate(t.Context(), text, noon.Add(6*time.Minute)); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("err = %v, want ErrUnknownKey", err)
	}
}

func TestKeySetsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish("max-age=86400", "key")
	const limit = 10
	sets := auth.NewSmallKeySets(ownServers(t, p.Server), limit)
	ask := func(path string, after time.Duration) {
		t.Helper()
		if _, err := sets.Key(t.Context(), p.URL+path, "key", noon.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range limit {
		ask(fmt.Sprint("/", i), time.Duration(i))
	}
	ask("/0", time.Second) // used again: now /1 is the one unused for longest
	p.checkFetches(t, "all known", limit)
	ask("/new", 2*time.Second)
	ask("/0", 3*time.Second)
	p.checkFetches(t, "one more", limit+1)
	ask("/1", 4*time.Second)
	p.checkFetches(t, "the oldest had to go", limit+2)
}

// TestSetsBeingFetchedAreNotForgotten fills KeySets with a fetch that hangs: there is no room until it ends.
func TestSetsBeingFetchedAreNotForgotten(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	entered, release := make(chan struct{}), make(chan struct{})
	p.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
		fmt.Fprint(w, jwksText(jwkOfEd("key", private("key"))))
	})
	sets := auth.NewSmallKeySets(ownServers(t, p.Server), 1)
	ask := func(path string) error {
		_, err := sets.Key(t.Context(), p.URL+path, "key", noon)
		return err
	}
	var group sync.WaitGroup
	group.Go(func() {
		if err := ask("/slow"); err != nil {
			t.Errorf("the slow set: %v", err)
		}
	})
	<-entered
	if err := ask("/other"); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("while there is no room: err = %v, want ErrUnavailable", err)
	}
	close(release)
	group.Wait()
	if err := ask("/other"); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

func TestHTTPSIsVerified(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, jwksText(jwkOfEd("key", ed25519.NewKeyFromSeed(make([]byte, 32)))))
	}))
	defer server.Close()
	policy := ownServers(t, server)
	policy.PlainHTTP = false
	if _, err := newKeySets(policy).Key(t.Context(), server.URL, "key", noon); !errors.Is(err, auth.ErrUnavailable) ||
		!strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown authority: err = %v, want a complaint about the certificate", err)
	}
	policy.Roots = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if _, err := newKeySets(policy).Key(t.Context(), server.URL, "key", noon); err != nil {
		t.Errorf("known authority: %v", err)
	}
	plain := strings.Replace(server.URL, "https", "http", 1)
	if _, err := newKeySets(policy).Key(t.Context(), plain, "key", noon); !errors.Is(err, auth.ErrAddressRefused) {
		t.Errorf("plain HTTP: err = %v, want ErrAddressRefused", err)
	}
}
