package auth_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"halley/auth"
)

const canary = "canary-7f3a9c-canary-7f3a9c-canary-7f3a9c"

// shown prints a value in every way that a log, an error or an answer might.
func shown(t *testing.T, value any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", value)
		fmt.Fprintf(&out, verb+"\n", []any{value})
		fmt.Fprintf(&out, verb+"\n", struct{ hidden any }{value})
	}
	fmt.Fprintln(&out, value)
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal, "xml": xml.Marshal, "json v2": func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
	} {
		text, err := marshal(value)
		if err != nil {
			fmt.Fprintf(&out, "%s: %v\n", name, err)
		}
		out.Write(text)
	}
	return out.String()
}

func checkHidden(t *testing.T, name, output string) {
	t.Helper()
	var decimal strings.Builder
	for _, b := range []byte(canary[:12]) {
		fmt.Fprintf(&decimal, "%d ", b)
	}
	numbers := strings.TrimSpace(decimal.String())
	for _, form := range []string{"7f3a9c", fmt.Sprintf("%x", "canary"), fmt.Sprintf("%X", "canary"), numbers} {
		if strings.Contains(output, form) {
			t.Errorf("%s shows its secret as %q:\n%s", name, form, output)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	type exported struct{ Password auth.Secret }
	type unexported struct{ password auth.Secret }
	hmacKey, err := auth.NewHMACKey("k1", []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	signing, err := auth.NewSigningKey([]byte(canary)[:32])
	if err != nil {
		t.Fatal(err)
	}
	ring, err := auth.NewKeyring("", signing)
	if err != nil {
		t.Fatal(err)
	}
	secret := auth.NewSecret(canary)
	for name, value := range map[string]any{
		"secret":                secret,
		"pointer":               &secret,
		"in an exported field":  exported{secret},
		"in a hidden field":     unexported{secret},
		"in a pointer's struct": &unexported{secret},
		"in a list":             []auth.Secret{secret},
		"as a map's value":      map[string]auth.Secret{"a": secret},
		"token key":             hmacKey,
		"trust":                 auth.TokenTrust{Keys: []auth.TokenKey{hmacKey}},
		"signing key":           signing,
		"keyring":               ring,
		"signer":                auth.NewSigner(ring),
	} {
		checkHidden(t, name, shown(t, value))
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	if got := auth.NewSecret("text").Reveal(); got != "text" {
		t.Errorf("Reveal = %q, want text", got)
	}
	var zero auth.Secret
	if zero.Reveal() != "" || !zero.IsZero() || zero.String() != "[redacted]" {
		t.Errorf("the zero secret reveals %q, shows %s", zero.Reveal(), zero)
	}
	if auth.NewSecret("text").IsZero() {
		t.Error("a secret with text counts as empty")
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got, want string
		equal     bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"ab", "a", false}, {"", "a", false}} {
		if equal := auth.Equal([]byte(test.got), []byte(test.want)); equal != test.equal {
			t.Errorf("Equal(%q, %q) = %v, want %v", test.got, test.want, equal, test.equal)
		}
	}
}
