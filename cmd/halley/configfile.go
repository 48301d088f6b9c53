package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// configFile resolves flags from one JSON object. What the environment sets, it leaves alone.
type configFile struct {
	values map[string]string // by flag name, in the form in which it would stand on the command line
}

// maxConfigBytes is far above any configuration that was meant.
const maxConfigBytes = 1 << 20

// loadConfigFile reads the file strictly: a key twice is an error, and so is one that names no flag (see Validate).
func loadConfigFile(r io.Reader) (kong.Resolver, error) {
	var raw map[string]jsontext.Value
	if err := json.UnmarshalRead(io.LimitReader(r, maxConfigBytes), &raw); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	file := configFile{values: make(map[string]string, len(raw))}
	for key, value := range raw {
		text, err := flagText(value)
		if err != nil {
			return nil, fmt.Errorf("configuration file: %s: %w", key, err)
		}
		file.values[key] = text
	}
	return file, nil
}

// flagText turns a JSON value into what would stand on the command line; a list is joined by commas.
func flagText(value jsontext.Value) (string, error) {
	switch value.Kind() {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case '0', 't', 'f':
		return string(value), nil
	case '[':
		var items []jsontext.Value
		if err := json.Unmarshal(value, &items); err != nil {
			return "", err
		}
		texts := make([]string, len(items))
		for i, item := range items {
			if item.Kind() == '[' {
				return "", errors.New("a list within a list")
			}
			var err error
			if texts[i], err = flagText(item); err != nil {
				return "", err
			}
		}
		return kong.JoinEscaped(texts, ','), nil
	default:
		return "", errors.New("want a string, a number, true, false or a list of such")
	}
}

// Validate refuses keys that are no flag of any command: a misspelt one would be ignored in silence.
func (f configFile) Validate(app *kong.Application) error {
	known := make(map[string]bool)
	err := kong.Visit(app.Node, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	if err != nil {
		return err
	}
	var unknown []string
	for key := range f.values {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("configuration file: no such setting: %s", strings.Join(unknown, ", "))
}

// Resolve gives a flag its value from the file.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	text, found := f.values[flag.Name]
	if !found {
		return nil, nil
	}
	for _, variable := range flag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return nil, nil
		}
	}
	return text, nil
}
