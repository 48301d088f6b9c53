package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halley/pushnode/cluster/trust"
)

const (
	first  = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
	second = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // part of the error; empty: none
	}{
		{"one", first, ""},
		{"two with comments", "# new\n\n " + first + " \r\n# old\n" + second + "\n", ""},
		{"nothing", " \n# " + first + "\n", "no secret"},
		{"short", "\ncorrect horse battery staple", "line 2: a secret of 28 characters, 43 are the least; make one"},
		{"monotonous", strings.Repeat("halley", 10), "line 1: a secret of only 5 different"},
		{"twice", first + "\n" + first, "line 2: a secret given twice"},
		{"too many", many(9), "line 9: more than 8"},
		{"binary", "\xff\xfe" + first, "not text"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := trust.Parse([]byte(test.text))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), first)) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func many(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "%d%s\n", i, first)
	}
	return all.String()
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := trust.ReadFile(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, content := range map[string]string{"empty": "", "huge": strings.Repeat("#\n", 40<<10)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := trust.ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trust.ReadFile(path); err != nil {
		t.Error(err)
	}
}

func TestSecretsShowNothing(t *testing.T) {
	secrets := parse(t, first)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "secret", secrets)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %s", secrets, secrets, secrets, &secrets)
	if !strings.Contains(shown, "1 cluster secrets") {
		t.Errorf("shown as %s", shown)
	}
	for _, form := range []string{first, fmt.Sprintf("%x", first), fmt.Sprint([]byte(first))} {
		if strings.Contains(shown, form) {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestGossipKeys(t *testing.T) {
	// Pinned: other keys would cut nodes of the new version off from those of the old one.
	const want = "25588ff2d861b779d51ba8f64d5e68ba68f7634e04d65960c2a2b38dcfb45779"
	keys, err := parse(t, first+"\n"+second).GossipKeys()
	if err != nil || len(keys) != 2 || len(keys[0]) != 32 || len(keys[1]) != 32 {
		t.Fatalf("keys %x, error %v", keys, err)
	}
	if got := fmt.Sprintf("%x", keys[0]); got != want {
		t.Errorf("the key is %s, want %s", got, want)
	}
	if bytes.Equal(keys[0], keys[1]) {
		t.Error("two secrets give one key")
	}
	turned, err := parse(t, second+"\n"+first).GossipKeys()
	if err != nil || !bytes.Equal(turned[1], keys[0]) || !bytes.Equal(turned[0], keys[1]) {
		t.Errorf("the keys do not follow the order of the secrets: %x, %v", turned, err)
	}
}

func parse(tb testing.TB, text string) trust.Secrets {
	tb.Helper()
	secrets, err := trust.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return secrets
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(first))
	f.Add([]byte("# c\n" + second))
	f.Fuzz(func(t *testing.T, text []byte) {
		secrets, err := trust.Parse(text)
		if err != nil {
			return
		}
		if keys, err := secrets.GossipKeys(); err != nil || len(keys) == 0 || len(keys) > 8 {
			t.Errorf("%d keys, error %v", len(keys), err)
		}
	})
}
