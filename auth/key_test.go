package auth_test

import (
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/auth"
)

func TestNewKeyRoundTrip(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`^` + strings.Trim(auth.KeyPattern, `\b`) + `$`)
	for kind, prefix := range map[auth.Kind]string{auth.KindSecret: "hl_sk_", auth.KindPublishable: "hl_pk_"} {
		fresh := auth.NewKey(kind)
		text := fresh.Text.Reveal()
		if !strings.HasPrefix(text, prefix+fresh.ID) || len(text) != 52 || !strings.HasSuffix(text, fresh.Last4) {
			t.Errorf("key %s: want %s, then the id %s, 52 characters, %s at the end", text, prefix, fresh.ID, fresh.Last4)
		}
		if !whole.MatchString(text) || !regexp.MustCompile(auth.KeyPattern).MatchString(`key="`+text+`";`) {
			t.Errorf("the published pattern does not find %s", text)
		}
		if fresh.Hash != sha256.Sum256([]byte(text)) {
			t.Errorf("the hash of %s is not its SHA-256", text)
		}
		parsed, err := auth.ParseKey(text)
		if want := (auth.KeyText{Kind: kind, ID: fresh.ID, Hash: fresh.Hash}); err != nil || parsed != want {
			t.Errorf("ParseKey(%s) = %v, %v, want %v", text, parsed, err, want)
		}
	}
}

func TestNewKeyKnowsTwoKinds(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("NewKey made a key of kind token")
		}
	}()
	auth.NewKey(auth.KindToken)
}

func TestParseKeyRefusesEachFlippedCharacter(t *testing.T) {
	t.Parallel()
	text := auth.NewKey(auth.KindSecret).Text.Reveal()
	for i := range text {
		other := byte('x')
		if text[i] == other {
			other = 'y'
		}
		flipped := text[:i] + string(other) + text[i+1:]
		if _, err := auth.ParseKey(flipped); !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("character %d flipped: err = %v, want ErrMalformed", i, err)
		} else if strings.Contains(err.Error(), flipped[6:]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	good := auth.NewKey(auth.KindPublishable).Text.Reveal()
	for name, test := range map[string]struct{ text, says string }{
		"empty":          {"", "begins with"},
		"other prefix":   {"hl_xx_" + good[6:], "begins with"},
		"prefix only":    {"hl_sk_", "52 characters, this has 6"},
		"cut":            {good[:51], "this has 51"},
		"longer":         {good + "a", "this has 53"},
		"alphabet":       {good[:20] + "-" + good[21:], "letters and digits"},
		"not ASCII":      {good[:20] + "é" + good[22:], "letters and digits"},
		"zero byte":      {good[:20] + "\x00" + good[21:], "letters and digits"},
		"other kind":     {"hl_sk_" + good[6:], "checksum"},
		"space in front": {" " + good, "begins with"},
	} {
		if _, err := auth.ParseKey(test.text); !errors.Is(err, auth.ErrMalformed) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want ErrMalformed that says %q", name, err, test.says)
		}
	}
}

func TestKeysAreEvenlyDrawn(t *testing.T) {
	t.Parallel()
	counts := map[rune]int{}
	const keys = 2000
	for range keys {
		for _, char := range auth.NewKey(auth.KindSecret).Text.Reveal()[6:46] {
			counts[char]++
		}
	}
	mean := keys * 40 / 62
	for char, count := range counts {
		if count < mean*7/10 || count > mean*13/10 { // ten standard deviations
			t.Errorf("%c came %d times, want about %d", char, count, mean)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d characters came, want 62", len(counts))
	}
}

func TestParseKeyAdmitsOnlyWhatNewKeyMakes(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`^hl_(?:sk|pk)_[0-9A-Za-z]{46}$`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`hl_[sp]k_[0-9A-Za-z]{45,47}`).Draw(t, "text")
		if _, err := auth.ParseKey(text); err == nil && !whole.MatchString(text) {
			t.Fatalf("%q was admitted", text)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(auth.NewKey(auth.KindSecret).Text.Reveal())
	f.Add(auth.NewKey(auth.KindPublishable).Text.Reveal())
	f.Add("hl_sk_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := auth.ParseKey(text)
		if err != nil {
			if !errors.Is(err, auth.ErrMalformed) {
				t.Errorf("%q: %v is no ErrMalformed", text, err)
			}
			return
		}
		if len(text) != 52 || text[6:14] != key.ID || key.Hash != sha256.Sum256([]byte(text)) {
			t.Errorf("%q was read as %v", text, key)
		}
	})
}
