// Package test holds what needs the whole of Halley: tests of the built binary, and tests that the repository keeps its own rules.
//
// Its folders hold what other packages' tests share. Nothing here is part of the binary. Start at TestLayout for the rules, and
// at harness_test.go for running the binary.
package test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// rule is a convention of the repository that a program can check.
type rule struct {
	name  string
	check func([]source) []string // returns one line per offence
	bad   map[string]string       // a file by its path that breaks the rule, and nothing else in it does
	good  map[string]string       // files that look like it and keep the rule
}

// rules lists all conventions about Go files.
func rules() []rule {
	return slices.Concat(importRules(), purityRules(), secretRules(), conventionRules())
}

func TestLayout(t *testing.T) {
	all := sources(t)
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, offence := range r.check(all) {
				t.Error(offence)
			}
		})
	}
}

// A rule that lets everything through would look just like a repository that keeps it.
func TestLayoutRulesBite(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for name, text := range r.bad {
				if offences := r.check([]source{parse(t, name, text)}); len(offences) == 0 {
					t.Errorf("the rule does not see what is wrong with %s:\n%s", name, text)
				}
			}
			for name, text := range r.good {
				if offences := r.check([]source{parse(t, name, text)}); len(offences) > 0 {
					t.Errorf("the rule sees what is not wrong with %s:\n%s\n%s", name, text, strings.Join(offences, "\n"))
				}
			}
			if len(r.bad) == 0 {
				t.Error("the rule has no example of what it forbids")
			}
		})
	}
}

// topFolders are all folders at the top of the repository, with what the build and a running node leave there. Hidden folders
// belong to tools.
var topFolders = []string{
	"cmd", "auth", "tenant", "pushnode", "console", "migrations", "web", "deploy", "test",
	"bin", "data",
}

func TestTopFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	for _, name := range strangers(names) {
		t.Errorf("%s is no folder of the layout", name)
	}
	if got := strangers([]string{"cmd", ".ci", "internal", "util"}); fmt.Sprint(got) != "[internal util]" {
		t.Errorf("the check finds the strangers %v", got)
	}
}

// strangers returns the names that are not those of top folders.
func strangers(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, ".") || slices.Contains(topFolders, name)
	})
}
