package tenant_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"halley/tenant"
	"halley/test/postgres"
)

// database is one of the two stores that every test of the suite runs on.
type database struct {
	name   string
	config func(t *testing.T) tenant.Config // of an empty database
}

func databases() []database {
	return []database{
		{"sqlite", func(t *testing.T) tenant.Config { return tenant.Config{DataDir: t.TempDir(), Logger: quiet()} }},
		{"postgres", func(t *testing.T) tenant.Config {
			return tenant.Config{URL: postgres.URL(t), DataDir: t.TempDir(), Logger: quiet()}
		}},
	}
}

// TestStore runs the suite on both stores.
func TestStore(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		for _, test := range suite() {
			t.Run(db.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t, open(t, db.config(t)))
			})
		}
	}
}

type storeTest struct {
	name string
	run  func(t *testing.T, s *tenant.Store)
}

// suite is the one table of what both stores must do.
func suite() []storeTest {
	return []storeTest{
		{"SignUp", testSignUp},
		{"Nodes", testNodes},
		{"Newcomer", testNewcomer},
		{"LogIn", testLogIn},
		{"LogInFailures", testLogInFailures},
		{"Sessions", testSessions},
		{"SessionEnds", testSessionEnds},
		{"SessionsAreBounded", testSessionsAreBounded},
		{"Confirm", testConfirm},
		{"ChangePassword", testChangePassword},
		{"ResetPassword", testResetPassword},
		{"VerifyEmail", testVerifyEmail},
		{"TokensBesideEachOther", testTokensBesideEachOther},
		{"Flash", testFlash},
		{"Roles", testRoles},
		{"Members", testMembers},
		{"RemovedMember", testRemovedMember},
		{"Accounts", testAccounts},
		{"Apps", testApps},
		{"AppForms", testAppForms},
		{"Keys", testKeys},
		{"KeyForms", testKeyForms},
		{"Rules", testRules},
		{"Limits", testLimits},
		{"TokenKeys", testTokenKeys},
		{"ForeignIDs", testForeignIDs},
		{"ForeignKeys", testForeignKeys},
		{"Audit", testAudit},
		{"SecretsAreNotStored", testSecretsAreNotStored},
		{"Provision", testProvision},
		{"ProvisionChangesWhatIsGiven", testProvisionChangesWhatIsGiven},
		{"OperatorOnly", testOperatorOnly},
		{"SigningKeys", testSigningKeys},
		{"Reseal", testReseal},
		{"Series", testSeries},
		{"Purge", testPurge},
		{"Directory", testDirectory},
		{"DirectoryChanges", testDirectoryChanges},
		{"DirectoryLookUp", testDirectoryLookUp},
		{"DirectoryRestored", testDirectoryRestored},
		{"DirectoryKeyUse", testDirectoryKeyUse},
		{"Pusher", testPusher},
		{"PusherKeys", testPusherKeys},
		{"PusherSecretsAreSealed", testPusherSecretsAreSealed},
		{"BringPusher", testBringPusher},
		{"ProvisionPusher", testProvisionPusher},
		{"ImportPusher", testImportPusher},
		{"DirectoryPusher", testDirectoryPusher},
		{"DirectoryPusherOverlap", testDirectoryPusherOverlap},
		{"DirectoryPusherEnds", testDirectoryPusherEnds},
		{"DirectoryPusherLookUp", testDirectoryPusherLookUp},
		{"DirectoryPusherKeyOf", testDirectoryPusherKeyOf},
		{"Webhooks", testWebhooks},
		{"WebhookHeadersAreSealed", testWebhookHeadersAreSealed},
		{"DirectoryWebhooks", testDirectoryWebhooks},
		{"WebhookLog", testWebhookLog},
		{"Meter", testMeter},
		{"MeterElsewhere", testMeterElsewhere},
		{"MeterRuns", testMeterRuns},
		{"MeterWithoutApp", testMeterWithoutApp},
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens and migrates a store that is closed when the test is over.
func open(t *testing.T, config tenant.Config) *tenant.Store {
	t.Helper()
	s, err := tenant.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// customer is an account with an owner and an app in development.
type customer struct {
	accountID string
	scope     tenant.Scope // the owner's
	app       tenant.App
}

var customers atomic.Int64 // makes names that no other test of the process has

// newCustomer makes an account without the price of a password.
func newCustomer(t *testing.T, s *tenant.Store) customer {
	t.Helper()
	n := "customer-" + time.Duration(customers.Add(1)).String()
	made, err := s.Provision(t.Context(), tenant.Provision{Account: n, App: "first", Email: n + "@example.com"}, tenant.Client{})
	if err != nil {
		t.Fatal(err)
	}
	user, err := s.UserByEmail(t.Context(), n+"@example.com")
	if err != nil {
		t.Fatal(err)
	}
	scope := scopeOf(t, s, user.ID, made.AccountID)
	app, err := s.CreateApp(t.Context(), scope, tenant.AppForm{Name: "second"})
	if err != nil {
		t.Fatal(err)
	}
	return customer{made.AccountID, scope, app}
}

func scopeOf(t *testing.T, s *tenant.Store, userID, accountID string) tenant.Scope {
	t.Helper()
	scope, err := s.Scope(t.Context(), tenant.LoginAs(userID), accountID)
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

// member makes a user with that role in the customer's account.
func (c customer) member(t *testing.T, s *tenant.Store, role tenant.Role) tenant.Scope {
	t.Helper()
	other := newCustomer(t, s)
	must(t, s.AddMember(t.Context(), s.OperatorScope(c.accountID, tenant.Client{}), other.scope.UserID(), role))
	return scopeOf(t, s, other.scope.UserID(), c.accountID)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls until done returns true, at most for the given time.
func eventually(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for end := time.Now().Add(within); !done(); <-poll.C {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// running runs a component until the test is over and waits for it.
func running(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}
