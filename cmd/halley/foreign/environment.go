package foreign

import (
	"errors"
	"fmt"
	"strings"
)

// families are the beginnings of the names under which one app stands in an environment: soketi's with and without its prefix,
// Reverb's, and the one that Laravel and many others have for Pusher itself.
var families = []string{"SOKETI_DEFAULT_APP_", "DEFAULT_APP_", "REVERB_APP_", "PUSHER_APP_"}

// lists are the names under which a JSON array of apps may stand.
var lists = []string{"SOKETI_APP_MANAGER_ARRAY_APPS", "APP_MANAGER_ARRAY_APPS"}

// ParseEnvironment reads lines NAME=value as in an environment or a .env file: "export " before a name, quotes around a value, empty
// lines and those that begin with # are allowed, and other names are left alone. A family of which nothing has a value is no app.
func ParseEnvironment(lines []string) ([]App, error) {
	values := environment(lines)
	var records []record
	for _, name := range lists {
		if values[name] != "" {
			found, err := parseJSON([]byte(values[name]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return found, nil
		}
	}
	for _, family := range families {
		found, err := familyOf(values, family)
		if err != nil {
			return nil, err
		}
		if found != nil && !same(records, found) {
			records = append(records, found)
		}
	}
	if len(records) == 0 {
		return nil, errors.New("neither JSON nor names like SOKETI_DEFAULT_APP_ID, REVERB_APP_ID or PUSHER_APP_ID")
	}
	return appsOf(records)
}

// familyOf returns the app of a family; nil where nothing of it has a value.
func familyOf(values map[string]string, family string) (record, error) {
	r := record{}
	for name, value := range values {
		if rest, ok := strings.CutPrefix(name, family); ok && value != "" {
			r[plain(rest)] = setting{name, value}
		}
	}
	var missing []string
	for _, part := range []string{"ID", "KEY", "SECRET"} {
		if _, ok := r[plain(part)]; !ok {
			missing = append(missing, family+part)
		}
	}
	switch len(missing) {
	case 0:
		if strings.HasSuffix(family, "DEFAULT_APP_") {
			r = r.withSoketiDefaults()
		}
		return r, nil
	case 3:
		return nil, nil
	}
	return nil, fmt.Errorf("%s: no value", strings.Join(missing, ", "))
}

// same reports whether an app of the same id is there already: projects often repeat one under two families.
func same(records []record, other record) bool {
	for _, r := range records {
		if r["id"].text() == other["id"].text() {
			return true
		}
	}
	return false
}

func environment(lines []string) map[string]string {
	values := make(map[string]string)
	for _, line := range lines {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		values[strings.TrimSpace(name)] = unquoted(strings.TrimSpace(value))
	}
	return values
}

// unquoted drops one pair of quotes, or the comment behind a value without them.
func unquoted(value string) string {
	if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
		if end := strings.LastIndexByte(value, value[0]); end > 0 {
			return value[1:end]
		}
	}
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = strings.TrimSpace(value[:comment])
	}
	return value
}
