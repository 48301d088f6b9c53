package auth_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halley/auth"
)

// TestRememberedTokenIsStillJudged authenticates one token again and again while the world around it changes.
func TestRememberedTokenIsStillJudged(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	text := signedByA(t, headerA, payload(nil))
	trusted := w.trust["app_a"]
	at := func(now time.Time) error {
		_, err := w.verifier.Authenticate(t.Context(), text, now)
		return err
	}
	if err := at(noon); err != nil {
		t.Fatal(err)
	}
	if got := w.verifier.Remembered(); got != 1 {
		t.Fatalf("%d tokens are remembered, want 1", got)
	}
	if err := at(noon.Add(2 * time.Hour)); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("after its end: %v, want ErrExpired", err)
	}
	w.trust["app_a"] = auth.TokenTrust{}
	if err := at(noon); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("the app took its key away: %v, want ErrUnknownKey", err)
	}
	w.trust["app_a"] = auth.TokenTrust{Keys: []auth.TokenKey{hmacKey(t, "a1", secretB)}}
	if err := at(noon); !errors.Is(err, auth.ErrSignature) {
		t.Errorf("the app changed the secret under the same kid: %v, want ErrSignature", err)
	}
	w.trust["app_a"] = auth.TokenTrust{Keys: trusted.Keys, MaxTTL: time.Minute}
	if err := at(noon); reasonOf(err) != auth.ReasonLifetime {
		t.Errorf("the app shortened the longest life: %v, want it refused", err)
	}
	delete(w.trust, "app_a")
	if err := at(noon); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("the app is gone: %v, want ErrUnknownKey", err)
	}
	w.trust["app_a"] = trusted
	if err := at(noon); err != nil {
		t.Errorf("all as it was: %v", err)
	}
}

func TestRefusedTokensAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	forged := compact(t, jwt.SigningMethodHS256, []byte(secretB), headerA, payload(nil))
	for range 3 {
		if _, err := w.authenticate(t, forged); !errors.Is(err, auth.ErrSignature) {
			t.Fatalf("err = %v, want ErrSignature", err)
		}
	}
	if got := w.verifier.Remembered(); got != 0 {
		t.Errorf("%d tokens are remembered, want none", got)
	}
}

func TestMemoryOfTokensIsBounded(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	text := signedByA(t, headerA, payload(map[string]string{"jti": `"t000"`}))
	const fit = 10 // five a generation
	w.verifier = w.newVerifier(auth.DialPolicy{}, fit*len(text))
	most := 0
	for i := range 200 {
		other := signedByA(t, headerA, payload(map[string]string{"jti": fmt.Sprintf(`"t%03d"`, i)}))
		if _, err := w.authenticate(t, other); err != nil {
			t.Fatal(err)
		}
		if i > 0 && !w.verifier.Remembers(text) {
			t.Fatalf("after %d others the token in use is forgotten", i)
		}
		if _, err := w.authenticate(t, text); err != nil { // it is used all the time
			t.Fatal(err)
		}
		most = max(most, w.verifier.Remembered())
	}
	if most > fit || most < fit/2 {
		t.Errorf("at most %d tokens were remembered, want at most %d and not far below", most, fit)
	}
}

func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	w.verifier = w.newVerifier(auth.DialPolicy{}, 2000)
	var texts []string
	for i := range 8 {
		texts = append(texts, signedByA(t, headerA, payload(map[string]string{"jti": fmt.Sprintf(`"t%d"`, i)})))
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 100 {
				want := (worker + i) % len(texts)
				grant, err := w.verifier.Authenticate(t.Context(), texts[want], noon)
				if err != nil || grant.TokenID != fmt.Sprint("t", want) {
					t.Errorf("token %d: %+v, %v", want, grant, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b, auth.DialPolicy{})
	id, key := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	token := w.sign(b, auth.TokenRequest{AppID: "app_a", KeyID: id, ClientID: "ada", Capability: auth.AllowAll()})
	forgetful := w.newVerifier(auth.DialPolicy{}, 1)
	for name, run := range map[string]func() error{
		"key":          func() error { _, err := w.authenticate(b, key); return err },
		"token, known": func() error { _, err := w.authenticate(b, token); return err },
		"token, new": func() error {
			_, err := forgetful.Authenticate(b.Context(), token, noon)
			forgetful.Forget()
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
