package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The data's way in the README, and in each DESIGN.md, is drawn file by file: every file that it names is there.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	documents, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil || len(documents) == 0 {
		t.Fatalf("documents at the top: %v, error %v", documents, err)
	}
	for _, pattern := range []string{"*/DESIGN.md", "*/*/DESIGN.md"} {
		designs, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, designs...)
	}
	var paths []string
	for _, s := range sources(t) {
		paths = append(paths, s.path)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range missing(string(text), paths) {
			t.Errorf("%s names %s, which is not there", document, name)
		}
	}
}

func TestMissingFindsWhatIsNotThere(t *testing.T) {
	text := "publish `auth/verifier.go` > session/{queue,gone}.go > wire/lost.go > code.go"
	got := missing(text, []string{"auth/verifier.go", "pushnode/session/queue.go", "pushnode/wire/code.go"})
	if want := []string{"session/gone.go", "wire/lost.go"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Every make target that the README names can be made.
func TestReadmeNamesTargetsThatExist(t *testing.T) {
	readme, errReadme := os.ReadFile(filepath.Join(root, "README.md"))
	makefile, errMakefile := os.ReadFile(filepath.Join(root, "Makefile"))
	if errReadme != nil || errMakefile != nil {
		t.Fatal(errReadme, errMakefile)
	}
	targets := regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllStringSubmatch(string(readme), -1)
	if len(targets) < 2 {
		t.Errorf("the README names %d targets, not even run and test", len(targets))
	}
	for _, target := range targets {
		if !strings.Contains(string(makefile), "\n"+target[1]+":") {
			t.Errorf("the README names make %s, which the Makefile has not", target[1])
		}
	}
}

// goFile finds names of Go files, with folders and with several names in braces.
var goFile = regexp.MustCompile(`[\w/{},]*[\w}]\.go\b`)

// missing returns the Go files that a text names and that are not the end of any of the paths.
func missing(text string, paths []string) []string {
	var names []string
	for _, word := range goFile.FindAllString(text, -1) {
		before, rest, braces := strings.Cut(word, "{")
		choices, after, closed := strings.Cut(rest, "}")
		if !braces || !closed {
			names = append(names, word)
			continue
		}
		for choice := range strings.SplitSeq(choices, ",") {
			names = append(names, before+choice+after)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return path == name || strings.HasSuffix(path, "/"+name) })
	})
}
