package wire_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// update rewrites the files that the tests compare with. The difference is reviewed like code.
var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(tb testing.TB, name string, got []byte) {
	tb.Helper()
	compareFile(tb, filepath.Join("testdata", name), got)
}

func compareFile(tb testing.TB, path string, got []byte) {
	tb.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || !bytes.Equal(gotLines[i], wantLines[i]) {
			tb.Errorf("%s, line %d: got %q, want %q (-update rewrites the file)", path, i+1, line(gotLines, i), line(wantLines, i))
			return
		}
	}
}

func line(lines [][]byte, i int) []byte {
	if i < len(lines) {
		return lines[i]
	}
	return nil
}
