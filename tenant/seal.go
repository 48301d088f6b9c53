package tenant

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	masterKeyBytes = 32 // AES-256
	sealIDBytes    = 8  // of a master key's fingerprint, in front of what it sealed
)

// ErrMasterKey means that a secret was sealed with a master key that this process does not have.
var ErrMasterKey = errors.New("the master key is another one")

// sealer encrypts what the server must be able to read again (AES-256-GCM). A sealed text names its place, tenant|table|row, as
// additional data, so that it opens nowhere else. The key's fingerprint stands in front: the first key of the file seals, all
// open.
type sealer struct {
	active string
	keys   map[string]cipher.AEAD // by fingerprint
}

// openSealer reads the master keys of a file: one a line, base64 of 32 bytes, "#" begins a comment. Where the file is not there
// and may be made, one is made. Several processes may do that at once: one makes it, all read it.
func openSealer(path string, mayMake bool) (*sealer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		if err := makeMasterKey(path); err != nil {
			return nil, fmt.Errorf("make the master key: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the master key in %s can be read by others: chmod 600 it", path)
	}
	s, err := parseSealer(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key in %s: %w", path, err)
	}
	return s, nil
}

// makeMasterKey writes a whole file and then gives it its name, unless another process was first.
func makeMasterKey(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".master.key-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	key := make([]byte, masterKeyBytes)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	_, err = fmt.Fprintf(file,
		"# Halley's master key: without it, sealed secrets are lost. Keep a copy, apart from the database's.\n%s\n",
		base64.StdEncoding.EncodeToString(key))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// newSealer takes master keys as they are, at least one.
func newSealer(keys [][]byte) (*sealer, error) {
	s := &sealer{keys: make(map[string]cipher.AEAD)}
	for _, key := range keys {
		if len(key) != masterKeyBytes {
			return nil, fmt.Errorf("a master key has %d bytes, want %d", len(key), masterKeyBytes)
		}
		if err := s.add(key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func parseSealer(text string) (*sealer, error) {
	s := &sealer{keys: make(map[string]cipher.AEAD)}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != masterKeyBytes {
			return nil, fmt.Errorf("a key is %d bytes in base64, one a line", masterKeyBytes)
		}
		if err := s.add(key); err != nil {
			return nil, err
		}
	}
	if s.active == "" {
		return nil, errors.New("there is no key in it")
	}
	return s, nil
}

func (s *sealer) add(key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append([]byte("halley master key\n"), key...))
	id := string(sum[:sealIDBytes])
	s.keys[id] = aead
	if s.active == "" {
		s.active = id
	}
	return nil
}

// place is where a sealed text belongs.
func place(tenant, table, row string) []byte { return []byte(tenant + "|" + table + "|" + row) }

// seal encrypts secret for its place.
func (s *sealer) seal(secret, place []byte) []byte {
	return s.keys[s.active].Seal([]byte(s.active), nil, secret, place)
}

// open decrypts what was sealed for that place. The error is ErrMasterKey where the key is not there.
func (s *sealer) open(sealed, place []byte) ([]byte, error) {
	if len(sealed) < sealIDBytes {
		return nil, errors.New("open a sealed secret: it is cut")
	}
	aead := s.keys[string(sealed[:sealIDBytes])]
	if aead == nil {
		return nil, fmt.Errorf("open a secret sealed with %x: %w", sealed[:sealIDBytes], ErrMasterKey)
	}
	secret, err := aead.Open(nil, nil, sealed[sealIDBytes:], place)
	if err != nil {
		return nil, fmt.Errorf("open a sealed secret: %w", err)
	}
	return secret, nil
}

// stale reports whether the text was sealed with a key that is not the active one.
func (s *sealer) stale(sealed []byte) bool { return !strings.HasPrefix(string(sealed), s.active) }

// fingerprint names the active key without telling anything about it.
func (s *sealer) fingerprint() string { return hex.EncodeToString([]byte(s.active)) }

// has reports whether the key of that fingerprint is there.
func (s *sealer) has(fingerprint string) bool {
	id, err := hex.DecodeString(fingerprint)
	return err == nil && s.keys[string(id)] != nil
}

// Fingerprints names the master keys that the store has, the one that seals first.
func (s *Store) Fingerprints() []string {
	list := []string{s.seals.fingerprint()}
	for id := range s.seals.keys {
		if name := hex.EncodeToString([]byte(id)); name != list[0] {
			list = append(list, name)
		}
	}
	slices.Sort(list[1:])
	return list
}
