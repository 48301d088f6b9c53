package auth_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"halley/auth"
)

func TestSecretKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	scope := capability(t, map[string][]string{"room:*": {"publish"}})
	id, text := w.addKey("app_a", auth.KindSecret, scope)
	grant, err := w.authenticate(t, text)
	want := &auth.Grant{Kind: auth.KindSecret, AppID: "app_a", KeyID: id, Scopes: []auth.Capability{scope}}
	if err != nil || !reflect.DeepEqual(grant, want) {
		t.Errorf("grant = %+v, %v, want %+v", grant, err, want)
	}
}

func TestPublishableKeyAllowsNothingByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, text := w.addKey("app_a", auth.KindPublishable, auth.AllowAll())
	grant, err := w.authenticate(t, text)
	want := &auth.Grant{Kind: auth.KindPublishable, AppID: "app_a", KeyID: id}
	if err != nil || !reflect.DeepEqual(grant, want) {
		t.Fatalf("grant = %+v, %v, want %+v", grant, err, want)
	}
	if grant.Allows(auth.OpSubscribe, "news") {
		t.Error("the channel's rule decides, not the key")
	}
}

func TestKeyRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, text := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	for name, test := range map[string]struct {
		alter func(*auth.Key)
		text  string
		want  error
	}{
		"same id, other secret":   {func(k *auth.Key) { k.Hash[31] ^= 1 }, text, auth.ErrUnknownKey},
		"stored as another kind":  {func(k *auth.Key) { k.Kind = auth.KindPublishable }, text, auth.ErrUnknownKey},
		"revoked":                 {func(k *auth.Key) { k.RevokedAt = noon.Add(-time.Hour) }, text, auth.ErrRevoked},
		"overlap ends now":        {func(k *auth.Key) { k.RevokedAt = noon }, text, auth.ErrRevoked},
		"expires now":             {func(k *auth.Key) { k.ExpiresAt = noon }, text, auth.ErrRevoked},
		"revoked and expired":     {func(k *auth.Key) { k.ExpiresAt, k.RevokedAt = noon, noon }, text, auth.ErrRevoked},
		"unknown":                 {func(*auth.Key) {}, auth.NewKey(auth.KindSecret).Text.Reveal(), auth.ErrUnknownKey},
		"checksum":                {func(*auth.Key) {}, text[:51] + "-", auth.ErrMalformed},
		"empty":                   {func(*auth.Key) {}, "", auth.ErrMalformed},
		"neither key nor token":   {func(*auth.Key) {}, "let me in", auth.ErrMalformed},
		"another of our prefixes": {func(*auth.Key) {}, "hl_pat_" + text[6:], auth.ErrMalformed},
	} {
		kept := w.keys[id]
		w.change(id, test.alter)
		grant, err := w.authenticate(t, test.text)
		if grant != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v, want %v", name, grant, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), text[14:46]) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
		w.keys[id] = kept
	}
}

func TestRolledKeyWorksUntilItsOverlapEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, text := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	end := noon.Add(time.Hour)
	w.change(id, func(k *auth.Key) { k.RevokedAt, k.ExpiresAt = end, end.Add(time.Hour) })
	grant, err := w.verifier.Authenticate(t.Context(), text, end.Add(-1))
	if err != nil || !grant.ExpiresAt.Equal(end) {
		t.Errorf("just before the end: %+v, %v, want a grant until %v", grant, err, end)
	}
	if _, err := w.verifier.Authenticate(t.Context(), text, end); !errors.Is(err, auth.ErrRevoked) {
		t.Errorf("at the end: %v, want ErrRevoked", err)
	}
	w.change(id, func(k *auth.Key) { k.ExpiresAt = noon.Add(time.Minute) })
	if grant, err := w.authenticate(t, text); err != nil || !grant.ExpiresAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("the earlier of expiry and overlap counts: %+v, %v", grant, err)
	}
}

func TestSourcesThatFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, key := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	token := w.sign(t, auth.TokenRequest{AppID: "app_a", KeyID: id})
	for _, failure := range []error{errors.New("disk on fire"), auth.ErrUnavailable, context.DeadlineExceeded} {
		w.down = failure
		for _, credential := range []string{key, token} {
			_, err := w.authenticate(t, credential)
			if !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, failure) || errors.Is(err, auth.ErrUnknownKey) {
				t.Errorf("source failed with %v: err = %v, want ErrUnavailable that wraps it", failure, err)
			}
		}
	}
}

// A key that was prepared costs no grant each time, and is judged each time all the same.
func TestPreparedKeysShareTheirGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, text := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	key := w.keys[id]
	w.keys[id] = key.Prepared()
	first, err := w.authenticate(t, text)
	if err != nil || first.AppID != "app_a" || !first.Allows(auth.OpPublish, "news") {
		t.Fatalf("grant = %+v, %v", first, err)
	}
	if again, err := w.authenticate(t, text); err != nil || again != first {
		t.Errorf("the second grant is another one: %+v, %v", again, err)
	}
	key.RevokedAt = time.Unix(1, 0)
	w.keys[id] = key.Prepared()
	if _, err := w.authenticate(t, text); err == nil {
		t.Error("a revoked key is taken")
	}
}
