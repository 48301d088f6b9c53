package pushnode_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// place is where an operation can be given an id.
type place struct {
	name string
	in   string // path, query or header; empty: body
	body string // with ID where the id is to stand, and OWN where a session of the caller is
	id   foreign
}

// bodies are where ids stand in the bodies of operations, by the name of the field.
var bodies = map[string][]place{
	"publish": {
		{name: "id", body: `{"data":1,"id":"ID"}`},
		{name: "exclude", body: `{"data":1,"exclude":"ID"}`},
	},
	"publishBatch": {
		{name: "channel", body: `{"messages":[{"data":1,"channel":"ID"}]}`},
		{name: "channels", body: `{"messages":[{"data":1,"channels":["ID"]}]}`},
		{name: "id", body: `{"messages":[{"data":1,"channel":"own","id":"ID"}]}`},
		{name: "exclude", body: `{"messages":[{"data":1,"channel":"own","exclude":"ID"}]}`},
	},
	"createToken": {
		{name: "client_id", body: `{"client_id":"ID","capabilities":{"*":["subscribe"]}}`},
		{name: "capabilities", body: `{"capabilities":{"ID":["subscribe","history"]}}`},
	},
	"commands": {
		{name: "session", body: `{"session":"ID","commands":[{"op":"ping","ref":1}]}`},
		{name: "session", body: `{"session":"ID","commands":[{"op":"publish","channel":"hush-channel","data":1},{"op":"close"}]}`},
		{name: "channel", body: `{"session":"OWN","commands":[
			{"op":"subscribe","ref":1,"channel":"ID","rewind":10,"presence":true},{"op":"history","ref":2,"channel":"ID"},
			{"op":"members","ref":3,"channel":"ID"},{"op":"leave","ref":4,"channel":"ID"},{"op":"unsubscribe","ref":5,"channel":"ID"},
			{"op":"publish","ref":6,"channel":"ID","data":1},{"op":"enter","ref":7,"channel":"ID"}]}`},
		{name: "since", body: `{"session":"OWN","commands":[{"op":"history","ref":1,"channel":"own","since":"ID"}]}`},
		{name: "id", body: `{"session":"OWN","commands":[{"op":"publish","ref":1,"channel":"own","data":1,"id":"ID"}]}`},
	},
}

// places lists where the operation can be given an id. The test fails for a parameter or field of the specification that ids does
// not know: whoever adds one says whether it can name what another app has.
func places(t *testing.T, ids map[string][]foreign, item *openapi3.PathItem, operation *openapi3.Operation) []place {
	t.Helper()
	var list []place
	add := func(one place) {
		known, found := ids[one.name]
		if !found {
			t.Fatalf("%s has a parameter %s, of which this test does not know what it names", operation.OperationID, one.name)
		}
		for _, id := range known {
			one.id = id
			list = append(list, one)
		}
	}
	for _, parameter := range append(slices.Clone(item.Parameters), operation.Parameters...) {
		add(place{name: parameter.Value.Name, in: parameter.Value.In})
	}
	if operation.RequestBody == nil {
		return list
	}
	for _, field := range slices.Sorted(maps.Keys(operation.RequestBody.Value.Content["application/json"].Schema.Value.Properties)) {
		if _, known := ids[field]; !known {
			t.Fatalf("%s has a field %s, of which this test does not know what it names", operation.OperationID, field)
		}
	}
	if bodies[operation.OperationID] == nil {
		t.Fatalf("%s has a body, and this test none for it", operation.OperationID)
	}
	for _, one := range bodies[operation.OperationID] {
		add(one)
	}
	return list
}

// required are the parameters without which a call gets nowhere.
var required = map[string]url.Values{
	"/v1/poll": {"channel": {"own"}, "wait": {"0s"}, "rewind": {"10"}, "presence": {"true"}},
	"/v1/sse":  {"channel": {"own"}, "rewind": {"10"}},
}

// intrude calls an operation with an id and returns the answer, without the id and all that differs from time to time.
func (a *app) intrude(t *testing.T, method, path string, at place, id string) string {
	t.Helper()
	query := maps.Clone(required[path])
	if query == nil {
		query = url.Values{}
	}
	name := "own"
	header := http.Header{"Authorization": {"Bearer " + a.secret}}
	switch at.in {
	case "path":
		name = id
	case "query":
		query.Set(at.name, id)
	case "header":
		header.Set(at.name, id)
	}
	body := at.body
	if body == "" && method == http.MethodPost {
		body = `{"data":1}`
	}
	body = strings.ReplaceAll(body, "ID", id)
	if strings.Contains(body, "OWN") { // last: a token is of letters, and may have an ID in it
		body = strings.ReplaceAll(body, "OWN", a.session(t))
	}
	if path == "/v1/ws" {
		return steady(a.opening(t, query), id)
	}
	target := a.node.URL + strings.ReplaceAll(path, "{channel}", url.PathEscape(name)) + "?" + query.Encode()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request := must(http.NewRequestWithContext(ctx, method, target, strings.NewReader(body)))(t)
	if request.Header = header; body != "" {
		header.Set("Content-Type", "application/json")
	}
	response := must(a.node.client.Do(request))(t)
	defer response.Body.Close()
	if path == "/v1/sse" && response.StatusCode == http.StatusOK {
		return steady(a.beginning(t, response, query), id)
	}
	return steady(fmt.Sprintf("%d %s", response.StatusCode, must(io.ReadAll(response.Body))(t)), id)
}

// opening is what a WebSocket says at first, with all that was there for it already.
func (a *app) opening(t *testing.T, query url.Values) string {
	t.Helper()
	s, connected := a.node.dialWith(t, http.Header{"Authorization": {"Bearer " + a.secret}}, query.Encode())
	text := fmt.Sprint(connected)
	a.node.call(t, http.MethodPost, "/v1/channels/own/messages", `{"data":1}`, "Bearer "+a.secret)
	return text + fmt.Sprint(s.ask("members", `"channel":"own"`), s.kept)
}

// beginning is what an event stream says up to a message that comes last.
func (a *app) beginning(t *testing.T, response *http.Response, query url.Values) string {
	t.Helper()
	var text strings.Builder
	lines := bufio.NewScanner(response.Body)
	said := false
	for lines.Scan() && !strings.Contains(lines.Text(), `"the end"`) {
		text.WriteString(lines.Text() + "\n")
		if name := query.Get("channel"); !said && strings.Contains(lines.Text(), "event: subscribed") {
			said = true
			a.publish(t, name, "the end")
		}
	}
	return text.String()
}

// varying is what differs between two answers to the same question.
var varying = regexp.MustCompile(`(ses|msg|tok)_[0-9a-z]+(\.[\w-]+)?|[0-9a-z]+-[0-9]+-[0-9a-z]+|` +
	`"?(time|timestamp|expires|resets)"?:[0-9.e+]+|eyJ[\w.-]+|"offset":[0-9]+|:[0-9]+`)

func steady(answer, id string) string {
	for _, named := range []string{id, "hush-channel", "nobodys-channel"} {
		answer = strings.ReplaceAll(answer, named, "ID")
	}
	return varying.ReplaceAllString(answer, "…")
}
