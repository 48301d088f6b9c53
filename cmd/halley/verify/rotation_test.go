package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every step leaves a secret that the nodes before and after it accept, and after three only the new one is left.
func TestRotationKeepsASecretInCommon(t *testing.T) {
	r := newRotation(filepath.Join(t.TempDir(), "secret"))
	read := func() []string {
		text, err := os.ReadFile(r.file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text))
	}
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	old, fresh := r.old, r.new
	if old == fresh || len(old) < 43 {
		t.Fatalf("secrets %q and %q", old, fresh)
	}
	for i, want := range [][]string{{old}, {old, fresh}, {fresh, old}, {fresh}} {
		if i > 0 {
			if err := r.next(); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("after step %d the file holds %q, want %q", i, got, want)
		}
	}
	if r.old != fresh || r.new == old {
		t.Error("another rotation begins with a secret that was forgotten")
	}
}
