package tenant_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/tenant"
)

const goodPassword = "seven brown bears dance"

func signUp(t *testing.T, s *tenant.Store, email string) (tenant.User, tenant.Account) {
	t.Helper()
	user, account, err := s.SignUp(t.Context(), tenant.SignUp{Email: email, Password: goodPassword, Name: "Ada"},
		tenant.Client{IP: "192.0.2.7"})
	must(t, err)
	return user, account
}

func testSignUp(t *testing.T, s *tenant.Store) {
	user, account := signUp(t, s, " Ada@Example.com ")
	if user.Email != "ada@example.com" || account.Name != "ada" {
		t.Errorf("got %q in account %q, want ada@example.com in ada", user.Email, account.Name)
	}
	_, _, err := s.SignUp(t.Context(), tenant.SignUp{Email: "ADA@example.com", Password: goodPassword}, tenant.Client{})
	if !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("sign up twice: %v, want ErrConflict", err)
	}
	login, _, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	list, err := s.Memberships(t.Context(), login)
	must(t, err)
	if len(list) != 1 || list[0].Account.ID != account.ID || list[0].Role != tenant.RoleOwner {
		t.Errorf("memberships %+v, want owner of %s", list, account.ID)
	}
	for name, form := range map[string]tenant.SignUp{
		"email":    {Email: "ada", Password: goodPassword},
		"account":  {Email: "b@example.com", Password: goodPassword, Account: "a\x00b"},
		"name":     {Email: "b@example.com", Password: goodPassword, Name: strings.Repeat("x", 101)},
		"password": {Email: "b@example.com", Password: "short"},
	} {
		var wrong *tenant.InvalidError
		if _, _, err := s.SignUp(t.Context(), form, tenant.Client{}); !errors.As(err, &wrong) || wrong.Field != name {
			t.Errorf("%s: got %v, want an InvalidError of that field", name, err)
		}
	}
}

func testLogIn(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	login, secret, err := s.LogIn(t.Context(), "ADA@example.com", goodPassword, tenant.Client{IP: "192.0.2.1",
		Agent: strings.Repeat("ä", 300)})
	must(t, err)
	if login.UserID() != user.ID || !login.Confirmed(time.Now()) || login.Confirmed(time.Now().Add(time.Hour)) {
		t.Errorf("login %+v", login)
	}
	again, err := s.Session(t.Context(), secret.Reveal(), tenant.Client{})
	must(t, err)
	if again.SessionID() != login.SessionID() || again.UserID() != user.ID {
		t.Errorf("session %+v, want that of %+v", again, login)
	}
	for name, email := range map[string]string{"wrong password": "ada@example.com", "nobody": "eve@example.com",
		"no address": "eve"} {
		if _, _, err := s.LogIn(t.Context(), email, "seven brown bears sleep", tenant.Client{}); !errors.Is(err,
			tenant.ErrCredentials) {
			t.Errorf("%s: %v, want ErrCredentials", name, err)
		}
	}
	if _, err := s.Session(t.Context(), "no such secret", tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("unknown secret: %v, want ErrNotFound", err)
	}
	me, err := s.User(t.Context(), login)
	if err != nil || me.Name != "Ada" {
		t.Errorf("user %+v, %v", me, err)
	}
}

func testLogInFailures(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	for range 8 { // the last are refused before they are compared
		_, _, _ = s.LogIn(t.Context(), user.Email, "wrong", tenant.Client{})
	}
	must(t, s.Exec(t.Context(), `UPDATE login_failures SET failures = 7, failed_at = $1`, time.Now().UnixMilli()))
	var tooMany *tenant.TooManyError
	if _, _, err := s.LogIn(t.Context(), user.Email, goodPassword, tenant.Client{}); !errors.As(err, &tooMany) ||
		tooMany.RetryAfter <= 0 || tooMany.RetryAfter > 4*time.Second {
		t.Errorf("after 7 failures: %v, want a wait of up to 4 s", err)
	}
	must(t, s.Exec(t.Context(), `UPDATE login_failures SET failed_at = $1`, time.Now().Add(-time.Minute).UnixMilli()))
	if _, _, err := s.LogIn(t.Context(), user.Email, goodPassword, tenant.Client{}); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	for range 6 {
		_, _, err := s.LogIn(t.Context(), user.Email, "wrong", tenant.Client{})
		if !errors.Is(err, tenant.ErrCredentials) && !errors.As(err, &tooMany) {
			t.Fatal(err)
		}
	}
	if _, _, err := s.LogIn(t.Context(), user.Email, goodPassword, tenant.Client{}); !errors.As(err, &tooMany) {
		t.Errorf("failures since the last success do not count: %v", err)
	}
	// An address without a user is refused just as one with.
	for i := range 7 {
		_, _, err := s.LogIn(t.Context(), "nobody@example.com", "wrong", tenant.Client{})
		if refused := errors.As(err, &tooMany); refused != (i >= 5) {
			t.Errorf("try %d with an unknown address: %v", i, err)
		}
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	for _, test := range []struct {
		failures int64
		ago      time.Duration
		want     time.Duration // -1: no refusal
	}{
		{0, 0, -1}, {4, 0, -1}, {5, 0, time.Second}, {5, time.Second, -1}, {6, 0, 2 * time.Second}, {10, time.Second,
			31 * time.Second},
		{11, 0, time.Minute}, {99, 0, time.Minute}, {99, time.Minute, -1}, {100, time.Hour, 0}, {1000, time.Hour, 0},
	} {
		err := tenant.TooMany(test.failures, now.Add(-test.ago), now)
		var refusal *tenant.TooManyError
		switch {
		case test.want == -1 && err != nil:
			t.Errorf("%d failures %v ago: %v, want none", test.failures, test.ago, err)
		case test.want >= 0 && (!errors.As(err, &refusal) || refusal.RetryAfter != test.want):
			t.Errorf("%d failures %v ago: %v, want %v", test.failures, test.ago, err, test.want)
		}
	}
}

func testSessions(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	first, secret, err := s.LogInNew(t.Context(), user, tenant.Client{IP: "192.0.2.1", Agent: "one"})
	must(t, err)
	second, _, err := s.LogInNew(t.Context(), user, tenant.Client{IP: "192.0.2.2", Agent: "two"})
	must(t, err)
	list, err := s.Sessions(t.Context(), first)
	must(t, err)
	if len(list) != 2 {
		t.Fatalf("%d sessions, want 2: %+v", len(list), list)
	}
	must(t, s.EndSession(t.Context(), second, first.SessionID()))
	must(t, s.EndSession(t.Context(), second, first.SessionID())) // twice is no error
	if _, err := s.Session(t.Context(), secret.Reveal(), tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("ended session: %v, want ErrNotFound", err)
	}
	other, _ := signUp(t, s, "eve@example.com")
	must(t, s.EndSession(t.Context(), tenant.LoginAs(other.ID), second.SessionID()))
	if list, err := s.Sessions(t.Context(), second); err != nil || len(list) != 1 {
		t.Errorf("somebody else ended the session: %+v, %v", list, err)
	}
}

func testSessionEnds(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	login, secret, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	age := func(seen, created time.Duration) {
		must(t, s.Exec(t.Context(), `UPDATE console_sessions SET seen_at = $1, created_at = $2 WHERE session_id = $3`,
			time.Now().Add(-seen).UnixMilli(), time.Now().Add(-created).UnixMilli(), login.SessionID()))
	}
	for _, test := range []struct {
		seen, created time.Duration
		good          bool
	}{
		{23 * time.Hour, 29 * 24 * time.Hour, true}, {25 * time.Hour, 26 * time.Hour, false}, {time.Minute, 31 * 24 * time.Hour,
			false},
	} {
		age(test.seen, test.created)
		if _, err := s.Session(t.Context(), secret.Reveal(), tenant.Client{}); (err == nil) != test.good {
			t.Errorf("seen %v ago, begun %v ago: %v, want good %v", test.seen, test.created, err, test.good)
		}
	}
	age(23*time.Hour, 24*time.Hour)
	_, err = s.Session(t.Context(), secret.Reveal(), tenant.Client{})
	must(t, err)
	list, err := s.Sessions(t.Context(), login)
	must(t, err)
	if time.Since(list[0].SeenAt) > time.Minute {
		t.Errorf("use was not noted: seen %v", list[0].SeenAt)
	}
}

func testSessionsAreBounded(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	user := tenant.User{ID: c.scope.UserID()}
	for range 52 {
		_, _, err := s.LogInNew(t.Context(), user, tenant.Client{})
		must(t, err)
	}
	list, err := s.Sessions(t.Context(), tenant.LoginAs(user.ID))
	if err != nil || len(list) != 50 {
		t.Errorf("%d sessions, %v; want 50", len(list), err)
	}
}

func testConfirm(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	login, stolen, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	if _, _, err := s.Confirm(t.Context(), login, "wrong"); !errors.Is(err, tenant.ErrCredentials) {
		t.Errorf("wrong password: %v", err)
	}
	confirmed, fresh, err := s.Confirm(t.Context(), login, goodPassword)
	must(t, err)
	if confirmed.SessionID() != login.SessionID() || !confirmed.Confirmed(time.Now()) {
		t.Errorf("confirmed %+v", confirmed)
	}
	if _, err := s.Session(t.Context(), stolen.Reveal(), tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("the secret from before is alive: %v", err)
	}
	if _, err := s.Session(t.Context(), fresh.Reveal(), tenant.Client{}); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}

func testChangePassword(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	mine, secret, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	_, other, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	if err := s.ChangePassword(t.Context(), mine, "wrong", goodPassword); !errors.Is(err, tenant.ErrCredentials) {
		t.Errorf("wrong old password: %v", err)
	}
	var wrong *tenant.InvalidError
	if err := s.ChangePassword(t.Context(), mine, goodPassword, "too short"); !errors.As(err, &wrong) {
		t.Errorf("short new password: %v", err)
	}
	const fresh = "nine green apples fall"
	must(t, s.ChangePassword(t.Context(), mine, goodPassword, fresh))
	if _, err := s.Session(t.Context(), secret.Reveal(), tenant.Client{}); err != nil {
		t.Errorf("own session: %v", err)
	}
	if _, err := s.Session(t.Context(), other.Reveal(), tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("other session: %v, want ErrNotFound", err)
	}
	if _, _, err := s.LogIn(t.Context(), user.Email, fresh, tenant.Client{}); err != nil {
		t.Errorf("new password: %v", err)
	}
}

func testResetPassword(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	_, session, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	other, err := s.IssueToken(t.Context(), tenant.PurposeReset, user)
	must(t, err)
	token, err := s.IssueToken(t.Context(), tenant.PurposeReset, user)
	must(t, err)
	const fresh = "nine green apples fall"
	refused := func(name, token string) {
		t.Helper()
		if _, _, err := s.ResetPassword(t.Context(), token, fresh, tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	refused("no token", "")
	verify, err := s.IssueToken(t.Context(), tenant.PurposeVerify, user)
	must(t, err)
	refused("a token for something else", verify.Reveal())
	var wrong *tenant.InvalidError
	for _, weak := range []string{"weak", "ada@example.com!"} {
		if _, _, err := s.ResetPassword(t.Context(), token.Reveal(), weak, tenant.Client{}); !errors.As(err, &wrong) {
			t.Errorf("password %q: %v", weak, err)
		}
	}
	_, _, _ = s.LogIn(t.Context(), user.Email, "wrong", tenant.Client{})
	must(t, s.Exec(t.Context(), `UPDATE login_failures SET failures = 100`))
	var tooMany *tenant.TooManyError
	if _, _, err := s.LogIn(t.Context(), user.Email, goodPassword, tenant.Client{}); !errors.As(err, &tooMany) ||
		tooMany.RetryAfter != 0 {
		t.Errorf("after 100 failures: %v, want a reset asked for", err)
	}
	login, _, err := s.ResetPassword(t.Context(), token.Reveal(), fresh, tenant.Client{})
	must(t, err)
	if login.UserID() != user.ID {
		t.Errorf("login of %s, want %s", login.UserID(), user.ID)
	}
	refused("a token that was used", token.Reveal())
	refused("a token beside one that was used", other.Reveal())
	if _, err := s.Session(t.Context(), session.Reveal(), tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("session from before: %v, want ErrNotFound", err)
	}
	if _, _, err := s.LogIn(t.Context(), user.Email, fresh, tenant.Client{}); err != nil {
		t.Errorf("log in after the reset: %v", err)
	}
	late, err := s.IssueToken(t.Context(), tenant.PurposeReset, user)
	must(t, err)
	must(t, s.Exec(t.Context(), `UPDATE one_time_tokens SET expires_at = $1`, time.Now().Add(-time.Second).UnixMilli()))
	refused("a token that has ended", late.Reveal())
	if _, err := s.UserByEmail(t.Context(), "nobody@example.com"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
}

func testVerifyEmail(t *testing.T, s *tenant.Store) {
	user, _ := signUp(t, s, "ada@example.com")
	token, err := s.IssueToken(t.Context(), tenant.PurposeVerify, user)
	must(t, err)
	must(t, s.VerifyEmail(t.Context(), token.Reveal(), tenant.Client{}))
	if err := s.VerifyEmail(t.Context(), token.Reveal(), tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("twice: %v, want ErrNotFound", err)
	}
	user, err = s.UserByEmail(t.Context(), user.Email)
	if err != nil || user.VerifiedAt.IsZero() {
		t.Errorf("user %+v, %v; want it verified", user, err)
	}
}

func testFlash(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	mine, _, err := s.LogInNew(t.Context(), tenant.User{ID: c.scope.UserID()}, tenant.Client{})
	must(t, err)
	other, _, err := s.LogInNew(t.Context(), tenant.User{ID: c.scope.UserID()}, tenant.Client{})
	must(t, err)
	_, key, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	id, err := s.Hide(t.Context(), mine, key)
	must(t, err)
	if _, err := s.Reveal(t.Context(), other, id); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("another session: %v, want ErrNotFound", err)
	}
	// Two tabs at once: one sees it.
	var seen [2]string
	var tabs sync.WaitGroup
	for i := range seen {
		tabs.Go(func() {
			if secret, err := s.Reveal(t.Context(), mine, id); err == nil {
				seen[i] = secret.Reveal()
			} else if !errors.Is(err, tenant.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	tabs.Wait()
	if got := seen[0] + seen[1]; got != key.Reveal() {
		t.Error("the secret was not shown exactly once")
	}
	id, err = s.Hide(t.Context(), mine, key)
	must(t, err)
	must(t, s.EndSession(t.Context(), mine, mine.SessionID()))
	if left, err := s.Texts(t.Context(), `SELECT flash_id FROM flashes`); err != nil || len(left) != 0 {
		t.Errorf("after log-out %v are left (%v), want none of %s", left, err, id)
	}
}
