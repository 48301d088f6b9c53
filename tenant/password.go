package tenant

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"halley/auth"
)

// Bounds of passwords: NIST SP 800-63B-4, section 3.1.1.2, for a password that is the only factor. Characters are code points.
const (
	MinPasswordChars = 15
	MaxPasswordChars = 256
)

// argon2id: the second recommendation of OWASP; about 35 ms of one core.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
	argonSalt    = 16
	argonHash    = 32
)

// hashWait is how long a log-in waits for others before it is told to come back.
const hashWait = 5 * time.Second

// ErrBusy means that too many passwords are being checked. Trying again later helps.
var ErrBusy = errors.New("too many log-ins at once")

// hasher computes password hashes, at most as many at once as there are processors: each takes 19 MiB.
type hasher struct {
	running chan struct{}
	dummy   string // what the password of a user who does not exist is compared with
}

func newHasher() *hasher {
	h := &hasher{running: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
	salt := make([]byte, argonSalt)
	h.dummy = phc(salt, make([]byte, argonHash))
	return h
}

// hash returns a password's hash in PHC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := randomBytes(argonSalt)
	sum, err := h.sum(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return phc(salt, sum), nil
}

// matches reports whether the password is that of the hash. An empty hash, that of a user who does not exist or has no password
// yet, takes as long and matches nothing.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	compared := hash
	if hash == "" {
		compared = h.dummy
	}
	salt, want, err := parsePHC(compared)
	if err != nil {
		return false, err
	}
	got, err := h.sum(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return auth.Equal(got, want) && hash != "", nil
}

func (h *hasher) sum(ctx context.Context, password string, salt []byte) ([]byte, error) {
	waiting := time.NewTimer(hashWait)
	defer waiting.Stop()
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-waiting.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	text := []byte(norm.NFKC.String(password))
	return argon2.IDKey(text, salt, argonTime, argonMemory, argonThreads, argonHash), nil
}

// phc writes a hash as https://github.com/P-H-C/phc-string-format has it.
func phc(salt, sum []byte) string {
	encoding := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		encoding.EncodeToString(salt), encoding.EncodeToString(sum))
}

// parsePHC reads what phc wrote. Other parameters than ours are refused: when they change, this learns the old ones.
func parsePHC(text string) (salt, sum []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || strings.Join(parts[:4], "$") != fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d",
		argon2.Version, argonMemory, argonTime, argonThreads) {
		return nil, nil, errors.New("password hash: unknown form")
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(salt) != argonSalt || len(sum) != argonHash {
		return nil, nil, errors.New("password hash: unknown form")
	}
	return salt, sum, nil
}

// CheckPassword returns an *InvalidError with what is wrong with a new password. There is no rule about what kinds of
// characters it has. words are what it must not be made of: the person's address and name.
func CheckPassword(password string, words ...string) error {
	if !utf8.ValidString(password) {
		return invalid("password", "it is not valid text")
	}
	plain := norm.NFKC.String(password)
	if chars := utf8.RuneCountInString(plain); chars < MinPasswordChars {
		return invalid("password", "at least %d characters; a few words in a row are easy to remember", MinPasswordChars)
	} else if chars > MaxPasswordChars {
		return invalid("password", "at most %d characters", MaxPasswordChars)
	}
	folded := strings.ToLower(plain)
	if monotonous(folded) {
		return invalid("password", "it is too regular: the same few characters, or a row of neighbours")
	}
	if leaves(folded, append(guessable(), parts(words)...)) < minUnguessable {
		return invalid("password", "it is made of words that are guessed first: your address, this service's name, common passwords")
	}
	return nil
}

// minUnguessable is how many characters must remain when the words that are guessed first are taken out.
const minUnguessable = 6

// guessable lists what is tried first, in lower case.
func guessable() []string {
	return []string{
		"halley", "password", "passwort", "kennwort", "qwertyuiop", "qwertzuiop", "qwerty", "qwertz", "asdfghjkl", "zxcvbnm",
		"letmein", "welcome", "iloveyou", "administrator", "admin", "changeme", "secret", "login", "master", "monkey", "dragon",
		"football", "baseball", "sunshine", "princess", "correcthorsebatterystaple", "correct horse battery staple",
		"1234567890", "123456", "12345", "1234", "123", "0000", "1111", "abc123",
	}
}

// parts splits addresses and names into what people build passwords from.
func parts(words []string) []string {
	var list []string
	for _, word := range words {
		for _, part := range strings.FieldsFunc(strings.ToLower(word), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			if utf8.RuneCountInString(part) >= 3 {
				list = append(list, part)
			}
		}
	}
	return list
}

// leaves counts the characters of text that remain without the words.
func leaves(text string, words []string) int {
	for _, word := range words {
		text = strings.ReplaceAll(text, word, "")
	}
	return utf8.RuneCountInString(text)
}

// monotonous reports whether text has fewer than five different characters, or is one row of neighbours such as 3456789.
func monotonous(text string) bool {
	different := map[rune]bool{}
	steps := map[rune]bool{}
	last := rune(-1)
	for _, r := range text {
		if different[r] = true; last >= 0 {
			steps[r-last] = true
		}
		last = r
	}
	return len(different) < 5 || len(steps) == 1
}
