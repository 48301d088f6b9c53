package heap

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What is held is counted in the size class in which it is given out, and what is let go of is not.
func TestInUse(t *testing.T) {
	const count, size, class, pointer = 10_000, 100, 112, 4 << (^uintptr(0) >> 63)
	before := InUse()
	list := make([]*[size]byte, count)
	for i := range list {
		list[i] = new([size]byte)
	}
	const want = count * (class + pointer)
	if held := InUse() - before; held < want*99/100 || held > want*101/100 {
		t.Errorf("%d bytes are held, want %d", held, want)
	}
	runtime.KeepAlive(list)
	if held := InUse() - before; held > want/100 {
		t.Errorf("%d bytes are held after all was let go of", held)
	}
}

func TestAccounted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "DESIGN.md")
	text := "# Memory\n\n| one | bytes | consists of |\n|---|---|---|\n| session | 304 | itself |\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := accounted(file, "session", 304); err != nil {
		t.Error(err)
	}
	for row, bytes := range map[string]int{"session": 30, "ession": 304, "member": 304} {
		if accounted(file, row, bytes) == nil {
			t.Errorf("%s of %d bytes is said to be accounted for", row, bytes)
		}
	}
	if accounted(file+".none", "session", 304) == nil {
		t.Error("a file that is not there accounts for something")
	}
}

func TestOff(t *testing.T) {
	t.Parallel()
	for held, want := range map[float64]bool{89: true, 91: false, 100: false, 109: false, 111: true} {
		if off(held, 100) != want {
			t.Errorf("%v of 100 bytes: off is %t", held, !want)
		}
	}
}
