package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads JSON or lines of an environment (NAME=value), whichever the text is. JSON may be an array of apps, one app, one app after
// the other, or soketi's configuration. The error says what is wrong with which app.
func Parse(text []byte) ([]App, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		return parseJSON(text)
	}
	return ParseEnvironment(strings.Split(string(text), "\n"))
}

func parseJSON(text []byte) ([]App, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	var records []record
	for {
		var value any
		err := json.UnmarshalDecode(decoder, &value)
		if errors.Is(err, io.EOF) {
			return appsOf(records)
		}
		if err != nil {
			return nil, fmt.Errorf("no JSON: %w", withoutText(err))
		}
		found, err := recordsIn(value)
		if err != nil {
			return nil, err
		}
		records = append(records, found...)
	}
}

// withoutText keeps what a decoder quotes of the text, which may be a secret, out of its error.
func withoutText(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return fmt.Errorf("at byte %d", syntactic.ByteOffset)
	}
	return errors.New("it cannot be read")
}

// recordsIn finds the apps in a value: itself, its elements, or where soketi's configuration has them.
func recordsIn(value any) ([]record, error) {
	switch value := value.(type) {
	case []any:
		var all []record
		for _, element := range value {
			object, ok := element.(map[string]any)
			if !ok {
				return nil, errors.New("an element of the list is no app")
			}
			r, err := recordOf(object)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return all, nil
	case map[string]any:
		for _, path := range [][]string{{"apps"}, {"appManager.array.apps"}, {"appManager", "array", "apps"}} {
			if list, ok := at(value, path).([]any); ok {
				return recordsIn(list)
			}
		}
		r, err := recordOf(value)
		return []record{r}, err
	}
	return nil, errors.New("neither an app nor a list of apps")
}

// at follows names into objects.
func at(value any, path []string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// recordOf refuses a setting that is there in two spellings: it would be left to chance which one counts.
func recordOf(object map[string]any) (record, error) {
	r := make(record, len(object))
	for name, value := range object {
		if other, twice := r[plain(name)]; twice {
			return nil, fmt.Errorf("%.60q and %.60q are the same setting", min(name, other.name), max(name, other.name))
		}
		r[plain(name)] = setting{name, value}
	}
	return r.withSoketiDefaults(), nil
}

// appsOf judges all records. An id twice would leave it to chance which one counts.
func appsOf(records []record) ([]App, error) {
	if len(records) == 0 {
		return nil, errors.New("there is no app in it")
	}
	if len(records) > MaxApps {
		return nil, fmt.Errorf("%d apps, at most %d at once", len(records), MaxApps)
	}
	apps := make([]App, 0, len(records))
	seen := make(map[string]bool, len(records))
	for _, r := range records {
		app, err := r.app()
		if err != nil {
			return nil, err
		}
		if seen[app.Credentials.Number] {
			return nil, fmt.Errorf("app %s is there twice", app.Credentials.Number)
		}
		seen[app.Credentials.Number] = true
		apps = append(apps, app)
	}
	return apps, nil
}
