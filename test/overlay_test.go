package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// change is a change of one source file, for a binary that exists in tests alone: a later version of ours, or another clock.
type change struct {
	file     string // from the root of the module, or absolute
	from, to string // from stands in it once
}

// buildChanged builds cmd/halley under a name, from sources that are changed on the way: no file is touched.
func buildChanged(name string, changes ...change) (string, error) {
	folder, err := os.MkdirTemp("", "halley-overlay-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	var overlay struct{ Replace map[string]string }
	overlay.Replace = make(map[string]string)
	for i, c := range changes {
		source, err := filepath.Abs(filepath.Join("..", c.file))
		if filepath.IsAbs(c.file) {
			source = c.file
		}
		if err != nil {
			return "", err
		}
		if overlay.Replace[source] == "" {
			overlay.Replace[source] = filepath.Join(folder, fmt.Sprintf("%d.go", i))
		}
		if err := changeFile(source, overlay.Replace[source], c); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		return "", err
	}
	return buildPlain(name, "-overlay", list)
}

// changeFile writes a source file with a change to another one, which may have changes already.
func changeFile(source, target string, c change) error {
	text, err := os.ReadFile(target)
	if os.IsNotExist(err) {
		text, err = os.ReadFile(source)
	}
	if err != nil {
		return err
	}
	if count := strings.Count(string(text), c.from); count != 1 {
		return fmt.Errorf("%s: %q stands there %d times", c.file, c.from, count)
	}
	return os.WriteFile(target, []byte(strings.Replace(string(text), c.from, c.to, 1)), 0o600)
}
