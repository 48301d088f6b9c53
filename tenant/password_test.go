package tenant_test

import (
	"strings"
	"testing"

	"halley/tenant"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, password string
		good           bool
	}{
		{"words", "seven brown bears dance", true},
		{"no digits or capitals", "purpleelephantsings", true},
		{"emoji", "🦊🐢🦉🐝🐙🦀🐞🦋🐌🐬🐳🦚🦜🐇🦔", true},
		{"15 letters with umlauts", "äöüßéèêñçøåabcd", true},
		{"spaces around", "  a b c d e f g h  ", true},
		{"256 long", strings.Repeat("abcdefgh ijklmn?", 16), true},
		{"257 long", strings.Repeat("abcdefgh ijklmn?", 16) + "x", false},
		{"14 letters", "abcqweasdzxcrt", false},
		{"14 emoji of many bytes", "🦊🐢🦉🐝🐙🦀🐞🦋🐌🐬🐳🦚🦜🐇", false},
		{"composed to 14", "a\u0308bcdefghijklmz", false},
		{"one letter", strings.Repeat("a", 20), false},
		{"four letters", "abababababcdcdcd", false},
		{"a row", "0123456789:;<=>?", false},
		{"a row downwards", "zyxwvutsrqponmlk", false},
		{"twice password", "passwordpassword", false},
		{"password with digits", "Password12345678", false},
		{"the service", "halleyhalley1234", false},
		{"the address", "ada.lovelace@example.com", false},
		{"the name in it", "lovelaceexample1", false},
		{"a famous one", "correct horse battery staple", false},
		{"not text", "seven brown \xff bears dance", false},
		{"empty", "", false},
	} {
		if err := tenant.CheckPassword(test.password, "ada.lovelace@example.com", "Ada Lovelace"); (err == nil) != test.good {
			t.Errorf("%s: %v, want good %v", test.name, err, test.good)
		}
	}
}

func TestPHC(t *testing.T) {
	t.Parallel()
	const good = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if err := tenant.ParsePHC(good); err != nil {
		t.Errorf("good: %v", err)
	}
	for _, bad := range []string{
		"", "$", good + "$", good[:len(good)-1], strings.Replace(good, "id", "i", 1), strings.Replace(good, "t=2", "t=1", 1),
		strings.Replace(good, "AAAA", "!!!!", 1), strings.Replace(good, "$AAAA", "$AAA", 1),
	} {
		if tenant.ParsePHC(bad) == nil {
			t.Errorf("%q is a hash", bad)
		}
	}
}

func TestUnknownRoleMayNothing(t *testing.T) {
	t.Parallel()
	if tenant.Role("none").May(tenant.View, "") {
		t.Error("an unknown role may see something")
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("seven brown bears dance", "ada@example.com")
	f.Add("\xff", "")
	f.Fuzz(func(t *testing.T, password, email string) {
		if tenant.CheckPassword(password, email) == nil && len(password) < tenant.MinPasswordChars {
			t.Errorf("%q is too short and was admitted", password)
		}
	})
}
