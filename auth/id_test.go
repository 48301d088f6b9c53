package auth_test

import (
	"encoding/base32"
	"encoding/binary"
	"regexp"
	"testing"
	"time"

	"halley/auth"
)

func TestNewIDHoldsPrefixAndTime(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^msg_[0-9a-hjkmnp-tv-z]{26}$`)
	before := time.Now().UnixMilli()
	id := auth.NewID("msg_")
	after := time.Now().UnixMilli()
	if !form.MatchString(id) {
		t.Fatalf("NewID = %q, want the form %s", id, form)
	}
	alphabet := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	raw, err := alphabet.DecodeString(id[len("msg_"):])
	if err != nil {
		t.Fatal(err)
	}
	if made := int64(binary.BigEndian.Uint64(raw) >> 16); made < before || made > after {
		t.Errorf("id was made at %d, want from %d to %d", made, before, after)
	}
}

func TestNewIDDoesNotRepeat(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10_000 {
		id := auth.NewID("x_")
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		auth.NewID("msg_")
	}
}
