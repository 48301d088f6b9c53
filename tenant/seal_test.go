package tenant_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"halley/auth"
	"halley/tenant"
)

func TestSealedOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[0].config(t))
	sealed := s.SealPlaced([]byte("secret"), "acc_a", "token_keys", "app|k")
	if got, err := s.OpenPlaced(sealed, "acc_a", "token_keys", "app|k"); err != nil || string(got) != "secret" {
		t.Fatalf("got %q, %v", got, err)
	}
	for name, place := range map[string][3]string{
		"another tenant": {"acc_b", "token_keys", "app|k"}, "another table": {"acc_a", "flashes", "app|k"},
		"another row": {"acc_a", "token_keys", "app|l"},
	} {
		if got, err := s.OpenPlaced(sealed, place[0], place[1], place[2]); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.OpenPlaced(changed, "acc_a", "token_keys", "app|k"); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
	}
	if _, err := s.OpenPlaced(sealed[:4], "acc_a", "token_keys", "app|k"); err == nil {
		t.Error("opened when cut")
	}
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, s.SealPlaced([]byte("secret"), "acc_a", "token_keys",
		"app|k")) {
		t.Error("sealing twice gives the same, or shows the secret")
	}
}

func testReseal(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	_, err := s.SigningKeys(t.Context())
	must(t, err)
	must(t, s.AddTokenKey(t.Context(), c.scope, c.app.ID, "k", auth.NewSecret("0123456789abcdef0123456789abcdef")))
	if count, err := s.Reseal(t.Context()); err != nil || count != 0 {
		t.Errorf("nothing to seal anew: %d, %v", count, err)
	}
}

// TestRotateMasterKey goes the whole way: a second key in front, reseal, the first key taken out.
func TestRotateMasterKey(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			config := db.config(t)
			config.MasterKeyFile = filepath.Join(t.TempDir(), "keys")
			write := func(keys ...byte) {
				text := "# comment\n\n"
				for _, key := range keys {
					text += base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{key}, 32)) + " # since then\n"
				}
				must(t, os.WriteFile(config.MasterKeyFile, []byte(text), 0o600))
			}
			write(1)
			s := open(t, config)
			c := newCustomer(t, s)
			must(t, s.AddTokenKey(t.Context(), c.scope, c.app.ID, "k", auth.NewSecret("0123456789abcdef0123456789abcdef")))
			must(t, s.SwitchPusher(t.Context(), c.scope, c.app.ID, true))
			_, err := s.AddWebhook(t.Context(), c.scope, c.app.ID, tenant.WebhookSettings{URL: "https://example.com"}, nil)
			must(t, err)
			before, err := s.SigningKeys(t.Context())
			must(t, err)

			write(2, 1)
			both := open(t, config)
			if prints := both.Fingerprints(); len(prints) != 2 || prints[1] != s.Fingerprints()[0] {
				t.Errorf("fingerprints %v, want the old one %v last", prints, s.Fingerprints())
			}
			if count, err := both.Reseal(t.Context()); err != nil || count != 4 {
				t.Errorf("resealed %d, %v; want 4", count, err)
			}

			write(2)
			after := open(t, config)
			keys, err := after.SigningKeys(t.Context())
			if err != nil || keys[0].ID() != before[0].ID() {
				t.Errorf("signing key after the rotation: %v", err)
			}
			directory, err := tenant.OpenDirectory(t.Context(), after, quiet())
			must(t, err)
			if view, err := directory.App(c.app.ID); err != nil || len(view.Trust.Keys) != 1 {
				t.Errorf("token keys after the rotation: %+v, %v", view, err)
			} else if len(view.Webhooks()) != 1 {
				t.Error("the headers of a webhook cannot be opened after the rotation")
			}
			if pusher, err := directory.PusherOf(c.app.ID); err != nil || pusher.Secret.IsZero() {
				t.Errorf("pusher secret after the rotation: %v", err)
			}

			write(3)
			stranger, err := tenant.Open(t.Context(), config)
			must(t, err)
			defer stranger.Close()
			if err := stranger.Migrate(t.Context()); !errors.Is(err, tenant.ErrMasterKey) {
				t.Errorf("another master key: %v, want ErrMasterKey", err)
			}
			if _, err := stranger.SigningKeys(t.Context()); !errors.Is(err, tenant.ErrMasterKey) {
				t.Errorf("signing keys with another master key: %v, want ErrMasterKey", err)
			}
			lenient, err := tenant.OpenDirectory(t.Context(), stranger, quiet())
			must(t, err)
			if view, err := lenient.App(c.app.ID); err != nil || len(view.Trust.Keys) != 0 {
				t.Errorf("a token key that cannot be opened takes its app down: %+v, %v", view, err)
			}
		})
	}
}

// A command that was not told the keys leaves none behind, which would stand in the way of those it is told next.
func TestWrongMasterKeyLeavesNoFile(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			config := db.config(t)
			config.MasterKeys = [][]byte{bytes.Repeat([]byte{7}, 32)}
			open(t, config)
			made := filepath.Join(config.DataDir, "master.key")

			told := config.MasterKeys
			config.MasterKeys = nil
			stranger, err := tenant.Open(t.Context(), config)
			must(t, err)
			defer stranger.Close()
			if err := stranger.Migrate(t.Context()); !errors.Is(err, tenant.ErrMasterKey) {
				t.Errorf("another master key: %v, want ErrMasterKey", err)
			}
			if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the key that opens nothing is still there: %v", err)
			}
			config.MasterKeys = told
			open(t, config)
		})
	}
}

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "comment": "# nothing", "not base64": "!!!", "short": base64.StdEncoding.EncodeToString(make([]byte, 31)),
	} {
		path := filepath.Join(t.TempDir(), "key")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := tenant.Open(t.Context(), tenant.Config{DataDir: t.TempDir(), MasterKeyFile: path, Logger: quiet()}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o644))
	_, err := tenant.Open(t.Context(), tenant.Config{DataDir: t.TempDir(), MasterKeyFile: path, Logger: quiet()})
	if err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("readable by others: %v, want a word about chmod", err)
	}
	if _, err := tenant.Open(t.Context(), tenant.Config{DataDir: t.TempDir(), MasterKeyFile: path + "x",
		Logger: quiet()}); err == nil {
		t.Error("a named file that is not there: accepted")
	}
	folder := t.TempDir()
	var opens sync.WaitGroup
	prints := make([]string, 8)
	for i := range prints { // several processes make the key at once
		opens.Go(func() {
			s, err := tenant.Open(t.Context(), tenant.Config{DataDir: folder, Logger: quiet()})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			prints[i] = s.Fingerprints()[0]
		})
	}
	opens.Wait()
	for _, print := range prints {
		if print != prints[0] {
			t.Errorf("different keys: %v", prints)
		}
	}
	info, err := os.Stat(filepath.Join(folder, "master.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("master.key: %v, %v; want 0600", info, err)
	}
}

// testSecretsAreNotStored looks for every secret that was made in everything that is stored.
func testSecretsAreNotStored(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	user, _ := signUp(t, s, "ada@example.com")
	login, session, err := s.LogInNew(t.Context(), user, tenant.Client{})
	must(t, err)
	_, key, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	reset, err := s.IssueToken(t.Context(), tenant.PurposeReset, user)
	must(t, err)
	_, err = s.Hide(t.Context(), login, key)
	must(t, err)
	shared := auth.NewSecret("0123456789abcdef0123456789abcdef")
	must(t, s.AddTokenKey(t.Context(), c.scope, c.app.ID, "k", shared))
	stored := dump(t, s)
	if !bytes.Contains(stored, []byte(user.Email)) {
		t.Fatal("the dump does not hold what is stored")
	}
	for name, secret := range map[string]string{
		"password": goodPassword, "session": session.Reveal(), "key": key.Reveal(), "reset token": reset.Reveal(),
		"token key": shared.Reveal(),
	} {
		if bytes.Contains(stored, []byte(secret)) {
			t.Errorf("the %s is stored in the clear", name)
		}
	}
}
