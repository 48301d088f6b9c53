package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"unicode/utf8"
)

// Bounds of a file of secrets.
const (
	// minCharacters is what 32 random bytes take in base64 without padding.
	minCharacters = 43
	// minDistinct is how many different bytes a secret has at least: random ones have more, even in hexadecimal; a short word
	// repeated until it is long enough has fewer.
	minDistinct = 10
	maxSecrets  = 8
	maxFile     = 64 << 10 // bytes
)

// advice ends each message about a secret that is too weak.
const advice = "make one with: openssl rand -base64 32"

// ErrNoSecret means that a file holds nothing but blank lines and comments.
var ErrNoSecret = errors.New("no secret in it; " + advice)

// Secrets are the secrets of one cluster, at least one. The first makes keys and certificates, all are accepted. They show
// nothing of themselves when they are printed or logged.
type Secrets struct {
	all [][]byte
}

// ReadFile reads secrets as Parse does from a file of at most 64 KiB.
func ReadFile(path string) (Secrets, error) {
	file, err := os.Open(path)
	if err != nil {
		return Secrets{}, fmt.Errorf("cluster secret: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("more than %d bytes", maxFile)
	}
	if err != nil {
		return Secrets{}, fmt.Errorf("cluster secret: %s: %w", path, err)
	}
	secrets, err := Parse(text)
	if err != nil {
		return Secrets{}, fmt.Errorf("cluster secret: %s: %w", path, err)
	}
	return secrets, nil
}

// Parse takes one secret a line, at most 8. Space around it, blank lines and lines that begin with # do not count. A secret is
// asked to look like 32 random bytes at least: 43 characters, 10 of them different. Errors name the line and never its text.
func Parse(text []byte) (Secrets, error) {
	if !utf8.Valid(text) {
		return Secrets{}, errors.New("not text; " + advice)
	}
	var secrets Secrets
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := secrets.add(line); err != nil {
			return Secrets{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Secrets{}, err
	}
	if len(secrets.all) == 0 {
		return Secrets{}, ErrNoSecret
	}
	return secrets, nil
}

func (s *Secrets) add(line []byte) error {
	distinct := make(map[byte]bool)
	for _, b := range line {
		distinct[b] = true
	}
	switch {
	case len(line) < minCharacters:
		return fmt.Errorf("a secret of %d characters, %d are the least; %s", len(line), minCharacters, advice)
	case len(distinct) < minDistinct:
		return fmt.Errorf("a secret of only %d different characters; %s", len(distinct), advice)
	case len(s.all) == maxSecrets:
		return fmt.Errorf("more than %d secrets", maxSecrets)
	}
	for _, other := range s.all {
		if bytes.Equal(other, line) {
			return errors.New("a secret given twice")
		}
	}
	s.all = append(s.all, bytes.Clone(line))
	return nil
}

// String says how many there are.
func (s Secrets) String() string { return fmt.Sprintf("%d cluster secrets", len(s.all)) }

// GoString says what String says.
func (s Secrets) GoString() string { return s.String() }

// LogValue says what String says.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }
