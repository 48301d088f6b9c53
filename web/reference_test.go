package web_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var update = flag.Bool("update", false, "rewrite docs/api.md from openapi.yaml")

// TestReference holds docs/api.md against the specification; -update writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page := reference{spec: specification(t), text: string(text)}.write()
	if *update {
		if err := os.WriteFile("docs/api.md", page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, page) {
		t.Error("docs/api.md is not what openapi.yaml says: go test ./web -run TestReference -update")
	}
}

// reference writes a specification as Markdown. The order of things is that of the file, in which maps of the library are not.
type reference struct {
	spec *openapi3.T
	text string
	page bytes.Buffer
}

// call is one operation with where it is.
type call struct {
	method, path string
	item         *openapi3.PathItem
	*openapi3.Operation
}

func (r reference) write() []byte {
	r.printf("# HTTP API\n\n%s\n", r.spec.Info.Description)
	r.printf("The same as a file for tools: [openapi.yaml](/v1/openapi.yaml).\n")
	calls := r.calls()
	for _, tag := range r.spec.Tags {
		r.printf("\n## %s\n\n%s\n", tag.Name, tag.Description)
		for _, call := range calls {
			if call.Tags[0] == tag.Name {
				r.call(call)
			}
		}
	}
	r.printf("\n## Objects\n")
	schemas := slices.SortedFunc(maps.Keys(r.spec.Components.Schemas), func(a, b string) int {
		return cmp.Compare(strings.Index(r.text, "\n    "+a+":\n"), strings.Index(r.text, "\n    "+b+":\n"))
	})
	for _, name := range schemas {
		if schema := r.spec.Components.Schemas[name].Value; schema.Type.Is("object") {
			r.printf("\n### %s\n\n", name)
			r.object(schema, name)
		}
	}
	return r.page.Bytes()
}

func (r *reference) calls() []call {
	var calls []call
	for path, item := range r.spec.Paths.Map() {
		for method, operation := range item.Operations() {
			calls = append(calls, call{method, path, item, operation})
		}
	}
	place := func(c call) int { return strings.Index(r.text, "operationId: "+c.OperationID+"\n") }
	slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(place(a), place(b)) })
	return calls
}

func (r *reference) call(c call) {
	r.printf("\n### %s\n\n```http\n%s %s\n```\n\n", c.Summary, c.method, c.path)
	if c.Description != "" {
		r.printf("%s\n\n", strings.TrimSpace(c.Description))
	}
	parameters := append(slices.Clone(c.item.Parameters), c.Parameters...)
	if len(parameters) > 0 {
		r.printf("| parameter | in | | meaning |\n|---|---|---|---|\n")
		for _, parameter := range parameters {
			p := parameter.Value
			r.printf("| `%s` | %s |%s| %s |\n", p.Name, p.In, need(p.Required), r.meaning(p.Description, p.Schema))
		}
		r.printf("\n")
	}
	if c.RequestBody != nil {
		r.content("Body", c.RequestBody.Value.Content)
	}
	r.answers(c.Responses.Map())
}

// answers writes what comes back: the good answers with their example, the others in one line.
func (r *reference) answers(responses map[string]*openapi3.ResponseRef) {
	var refusals []string
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		response := responses[status]
		if response.Ref != "" {
			refusals = append(refusals, "`"+status+"`")
			continue
		}
		r.content("Answer `"+status+"`: "+*response.Value.Description, response.Value.Content)
	}
	if len(refusals) > 0 {
		r.printf("Refusals: %s, each an [error](errors.md).\n", strings.Join(refusals, ", "))
	}
}

func (r *reference) content(title string, content openapi3.Content) {
	r.printf("%s", title)
	for kind, media := range content {
		if schema := media.Schema; schema.Ref != "" {
			r.printf(" %s", r.link(schema.Ref))
		} else if kind != "application/json" {
			r.printf(" `%s`", kind)
		}
		r.printf("\n")
		if media.Example != nil {
			r.example(media.Example)
		}
		for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
			r.example(media.Examples[name].Value.Value)
		}
	}
	r.printf("\n")
}

// example writes an example as it would come over the wire.
func (r *reference) example(value any) {
	if text, ok := value.(string); ok {
		r.printf("\n```text\n%s\n```\n", strings.TrimSpace(text))
		return
	}
	r.printf("\n```json\n%s\n```\n", pretty(value, ""))
}

// memberOrder is how members stand in examples. The library has forgotten how they stood in the file; others follow by name.
var memberOrder = []string{
	"cursor", "session", "op", "ref", "channel", "channels", "event", "data", "client_id", "id", "epoch", "offset",
	"occupancy", "history", "code", "name", "message", "docs", "retry_after", "subscribers", "members", "messages", "prefix", "version",
}

// pretty writes JSON in one line where it is short, and else a line for each member or item.
func pretty(value any, indent string) string {
	var parts []string
	open, shut := "{", "}"
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.SortedFunc(maps.Keys(value), compareMembers) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, pretty(value[name], indent+"  ")))
		}
	case []any:
		open, shut = "[", "]"
		for _, item := range value {
			parts = append(parts, pretty(item, indent+"  "))
		}
	default:
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // it was JSON in the file
		}
		return string(text)
	}
	if line := open + strings.Join(parts, ", ") + shut; len(indent)+len(line) <= 96 && !strings.Contains(line, "\n") {
		return line
	}
	return open + "\n" + indent + "  " + strings.Join(parts, ",\n"+indent+"  ") + "\n" + indent + shut
}

func compareMembers(a, b string) int {
	place := func(name string) int {
		if i := slices.Index(memberOrder, name); i >= 0 {
			return i
		}
		return len(memberOrder)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
}

func (r *reference) object(schema *openapi3.Schema, name string) {
	if schema.Description != "" {
		r.printf("%s\n\n", schema.Description)
	}
	_, section, _ := strings.Cut(r.text, "\n    "+name+":\n")
	place := func(property string) int { return strings.Index(section, "\n        "+property+":") }
	properties := slices.SortedFunc(maps.Keys(schema.Properties), func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	r.printf("| field | | meaning |\n|---|---|---|\n")
	for _, property := range properties {
		value := schema.Properties[property]
		description := ""
		if value.Ref == "" {
			description = value.Value.Description
		}
		r.printf("| `%s` |%s| %s |\n", property, need(slices.Contains(schema.Required, property)), r.meaning(description, value))
	}
}

// meaning is a description and what values there can be.
func (r *reference) meaning(description string, schema *openapi3.SchemaRef) string {
	words := []string{strings.Join(strings.Fields(description), " "), r.kind(schema)}
	return strings.TrimSpace(strings.Join(words, " "))
}

// kind says in a few words what a schema admits.
func (r *reference) kind(schema *openapi3.SchemaRef) string {
	value := schema.Value
	switch {
	case schema.Ref != "" && value.Type != nil && value.Type.Is("object"):
		return r.link(schema.Ref)
	case schema.Ref != "" && value.Description != "":
		return value.Description
	case len(value.OneOf) > 0:
		var kinds []string
		for _, one := range value.OneOf {
			kinds = append(kinds, r.kind(one))
		}
		return strings.Join(kinds, " or ")
	case value.Type == nil || len(*value.Type) > 1: // any JSON value
		return ""
	case value.Type.Is("array"):
		return strings.TrimSpace("Array" + bounds(value.MinItems, value.MaxItems) + " of " + cmp.Or(r.kind(value.Items), "values"))
	case len(value.Enum) > 0:
		return "One of " + list(value.Enum) + "." + fallback(value)
	}
	return "`" + (*value.Type)[0] + "`" + limits(value) + fallback(value)
}

func (r *reference) link(ref string) string {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	return "[" + name + "](#" + strings.ToLower(name) + ")"
}

func (r *reference) printf(format string, arguments ...any) {
	fmt.Fprintf(&r.page, format, arguments...)
}

func need(required bool) string {
	if required {
		return " required "
	}
	return " "
}

func limits(schema *openapi3.Schema) string {
	switch {
	case schema.Min != nil && schema.Max != nil:
		return fmt.Sprintf(", %.0f to %.0f", *schema.Min, *schema.Max)
	case schema.MinLength > 0 && schema.MaxLength != nil:
		return fmt.Sprintf(", %d to %d characters", schema.MinLength, *schema.MaxLength)
	}
	return ""
}

func bounds(low uint64, high *uint64) string {
	if high == nil {
		return ""
	}
	return fmt.Sprintf(" of %d to %d", low, *high)
}

func fallback(schema *openapi3.Schema) string {
	if schema.Default == nil {
		return ""
	}
	return fmt.Sprintf(" Default `%v`.", schema.Default)
}

func list(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprintf("`%v`", value)
	}
	return strings.Join(words, ", ")
}
