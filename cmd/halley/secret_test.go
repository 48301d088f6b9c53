package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSecret(t *testing.T) {
	good := write(t, "good", "  s3cret\n")
	empty := write(t, "empty", "\n")
	long := write(t, "long", strings.Repeat("x", maxSecretBytes+1))
	open := write(t, "open", "s3cret")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, file, variable, want, reason string }{
		{"nothing", "", "", "", ""},
		{"the environment", "", "s3cret", "s3cret", ""},
		{"a file", good, "", "s3cret", ""},
		{"both", good, "s3cret", "", "choose one"},
		{"no file", filepath.Join(t.TempDir(), "none"), "", "", "no such file"},
		{"an empty file", empty, "", "", "empty"},
		{"a file that is no secret", long, "", "", "more than"},
		{"a file for everybody", open, "", "", "everybody may read it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HALLEY_TEST_SECRET", test.variable)
			got, err := readSecret(test.file, "HALLEY_TEST_SECRET")
			if got.Reveal() != test.want || (err != nil) != (test.reason != "") {
				t.Fatalf("got %q, %v", got.Reveal(), err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("the error says %q", err)
			}
		})
	}
}
