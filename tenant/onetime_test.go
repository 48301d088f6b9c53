package tenant_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"halley/auth"
	"halley/tenant"
)

// Who asks for another link does not end the one before; all end when one is used, and only one is.
func testTokensBesideEachOther(t *testing.T, s *tenant.Store) {
	ada, _ := signUp(t, s, "ada@example.com")
	bob, _ := signUp(t, s, "bob@example.com")
	issue := func(purpose tenant.Purpose, user tenant.User) string {
		t.Helper()
		must(t, s.Exec(t.Context(), `UPDATE one_time_tokens SET expires_at = expires_at - 1000`)) // the earlier ones are older
		token, err := s.IssueToken(t.Context(), purpose, user)
		must(t, err)
		return token.Reveal()
	}
	reset := func(token string) error {
		_, _, err := s.ResetPassword(t.Context(), token, "nine green apples fall", tenant.Client{})
		return err
	}
	links, bobs, verify := make([]string, 4), issue(tenant.PurposeReset, bob), issue(tenant.PurposeVerify, ada)
	for i := range links {
		links[i] = issue(tenant.PurposeReset, ada)
	}
	for range 3 { // what did not reach the user takes no other's place
		unsent := issue(tenant.PurposeReset, bob)
		must(t, s.WithdrawToken(t.Context(), auth.NewSecret(unsent)))
		if err := reset(unsent); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("a link that was withdrawn: %v, want ErrNotFound", err)
		}
	}
	if err := reset(links[0]); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("a link after which three were made: %v, want ErrNotFound", err)
	}
	must(t, reset(links[1]))
	for i, link := range links {
		if err := reset(link); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("link %d after one was used: %v, want ErrNotFound", i, err)
		}
	}
	must(t, reset(bobs))
	must(t, s.VerifyEmail(t.Context(), verify, tenant.Client{}))

	first, second := issue(tenant.PurposeReset, ada), issue(tenant.PurposeReset, ada)
	var used atomic.Int32
	var both sync.WaitGroup
	for _, link := range []string{first, second} {
		both.Go(func() {
			if err := reset(link); err == nil {
				used.Add(1)
			} else if !errors.Is(err, tenant.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if got := used.Load(); got != 1 {
		t.Errorf("of two links followed at once %d were good, want one", got)
	}
}
