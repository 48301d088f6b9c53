package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// licences are those under which a library may be linked into the binary, told by a phrase of their text.
var licences = []struct{ name, phrase string }{
	{"MPL-2.0", "Mozilla Public License"},
	{"Apache-2.0", "Apache License"},
	{"BSD", "Redistribution and use in source and binary forms"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"ISC", "Permission to use, copy, modify, and"},
}

// copyleft are the libraries under the MPL: linked unchanged they bind us to nothing but their notice.
var copyleft = []string{"github.com/hashicorp/"}

// What is linked into the binary is free for those who run it, whatever they do with it.
func TestLinkedLibrariesAreFree(t *testing.T) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}`
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "halley/cmd/halley").Output()
	if err != nil {
		t.Fatalf("list what is linked: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(output)) {
		module, folder, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || seen[module] {
			continue
		}
		seen[module] = true
		name, err := licence(folder)
		if err != nil {
			t.Errorf("%s: %v", module, err)
		}
		if name == "MPL-2.0" && !mayBeCopyleft(module) {
			t.Errorf("%s is under %s and not on the list of such libraries", module, name)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d libraries found", len(seen))
	}
}

func TestLicenceKnowsOnlyFreeOnes(t *testing.T) {
	folder := t.TempDir()
	if _, err := licence(folder); err == nil {
		t.Error("a library without a licence is let in")
	}
	if err := os.WriteFile(filepath.Join(folder, "LICENSE"), []byte("All rights reserved."), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := licence(folder); err == nil {
		t.Error("a library under a licence of its own is let in")
	}
}

// licence returns the name of the licence of a module by the file in its folder.
func licence(folder string) (string, error) {
	file, err := licenceFile(folder)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	words := strings.Join(strings.Fields(string(text)), " ")
	for _, l := range licences {
		if strings.Contains(words, l.phrase) {
			return l.name, nil
		}
	}
	return "", fmt.Errorf("%s is under none of the licences that are let in", file)
}

// licenceFile returns the path of a module's licence.
func licenceFile(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") || strings.HasPrefix(name, "COPYING") {
			return filepath.Join(folder, entry.Name()), nil
		}
	}
	return "", fmt.Errorf("no licence in %s", folder)
}

// mayBeCopyleft reports whether a module may be under the MPL.
func mayBeCopyleft(module string) bool {
	for _, prefix := range copyleft {
		if strings.HasPrefix(module, prefix) {
			return true
		}
	}
	return false
}
