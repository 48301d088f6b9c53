package auth

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret shows of itself, everywhere.
const redacted = "[redacted]"

// Secret holds text that must not reach a log, an error or an answer by accident: only Reveal shows it. The text lies behind a
// pointer because fmt prints the hidden fields of a struct without asking their methods, but never what a *string points
// at. The zero value is empty.
type Secret struct {
	text *string
}

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text. Whoever calls it answers for where the text goes.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String does not show the text.
func (s Secret) String() string { return redacted }

// Format does not show the text, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { io.WriteString(state, redacted) }

// LogValue does not show the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON does not show the text.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Equal compares secrets, hashes and signatures in a time that depends only on their lengths. It is the one comparison of such
// values in Halley.
func Equal(got, want []byte) bool { return subtle.ConstantTimeCompare(got, want) == 1 }
