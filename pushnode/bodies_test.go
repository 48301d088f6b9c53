package pushnode_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/tenant"
)

// mutating are the operations that read a body, with the place that the message of a fault names.
var mutating = []string{"publish", "publishBatch", "createToken", "commands"}

// fault is something wrong with a request whose sample is right, and the name of the error that says so.
type fault struct {
	change func(r *http.Request, body string)
	name   string
	placed bool // the message says at which byte
}

func withBody(change func(body string) string) func(*http.Request, string) {
	return func(r *http.Request, body string) { setBody(r, change(body)) }
}

func withHeader(name, value string) func(*http.Request, string) {
	return func(r *http.Request, _ string) { r.Header.Set(name, value) }
}

// long is longer than any body may be here.
var long = `{"x":"` + strings.Repeat("x", 200<<10) + `"}`

// faults are what can be wrong with every body.
var faults = map[string]fault{
	"nothing":          {withBody(func(string) string { return "" }), "malformed_json", false},
	"blanks":           {withBody(func(string) string { return " \n " }), "malformed_json", true},
	"ends early":       {withBody(func(body string) string { return body[:len(body)-1] }), "malformed_json", true},
	"goes on":          {withBody(func(body string) string { return body + "x" }), "malformed_json", true},
	"two values":       {withBody(func(body string) string { return body + body }), "malformed_json", true},
	"not JSON":         {withBody(func(string) string { return "data=1" }), "malformed_json", true},
	"byte order mark":  {withBody(func(body string) string { return "\ufeff" + body }), "malformed_json", true},
	"not an object":    {withBody(func(string) string { return `[1]` }), "bad_request", true},
	"null":             {withBody(func(string) string { return `null` }), "bad_request", true},
	"no field":         {withBody(func(string) string { return `{}` }), "missing_field", true},
	"names twice":      {withBody(func(body string) string { return body[:len(body)-1] + "," + body[1:] }), "duplicate_name", true},
	"unknown field":    {withMember(`"nonsense":1`), "unknown_field", true},
	"bad UTF-8":        {withMember("\"x\xff\":1"), "bad_utf8", true},
	"half a surrogate": {withMember(`"x\ud800":1`), "bad_utf8", true},

	"no type":          {func(r *http.Request, _ string) { r.Header.Del("Content-Type") }, "unsupported_media_type", false},
	"wrong type":       {withHeader("Content-Type", "text/plain"), "unsupported_media_type", false},
	"form":             {withHeader("Content-Type", "application/x-www-form-urlencoded"), "unsupported_media_type", false},
	"broken type":      {withHeader("Content-Type", "application/json; charset"), "unsupported_media_type", false},
	"unknown encoding": {withHeader("Content-Encoding", "br"), "unsupported_encoding", false},
	"two encodings":    {withHeader("Content-Encoding", "gzip, gzip"), "unsupported_encoding", false},

	"too long": {withBody(func(string) string { return long }), "message_too_large", false},
	"too long in chunks": {func(r *http.Request, _ string) {
		setBody(r, long)
		r.ContentLength = -1
	}, "message_too_large", false},

	"unknown parameter": {func(r *http.Request, _ string) { r.URL.RawQuery = "dry_run=true" }, "unknown_field", false},
	"broken query":      {func(r *http.Request, _ string) { r.URL.RawQuery = "a=%zz" }, "bad_request", false},
}

func withMember(member string) func(*http.Request, string) {
	return withBody(func(body string) string { return body[:len(body)-1] + "," + member + "}" })
}

// TestHostileBodies sends everything that is wrong with a body to every call that has one. Each fault has its own answer, and
// what was accepted before stays.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", tenant.Overrides{tenant.LimitBatch: 2})
	a.publish(t, "news", "before")
	for _, operation := range mutating {
		for name, fault := range faults {
			got := a.spoil(t, operation, fault.change)
			if got.errorName() != fault.name {
				t.Errorf("%s, %s: got %d %.200s, want %s", operation, name, got.Status, got.Text, fault.name)
			}
			if message := got.JSON.in("error").text("message"); fault.placed && !strings.Contains(message, "at byte ") {
				t.Errorf("%s, %s: the message %q does not say where", operation, name, message)
			}
		}
	}
	if held := a.history(t, "news"); len(held) != 1 || held[0]["data"] != "before" {
		t.Errorf("the history is %v", held)
	}
}

// spoil sends the operation's sample with a change.
func (a *app) spoil(t *testing.T, operation string, change func(r *http.Request, body string)) reply {
	t.Helper()
	request := a.sample(t, operation)
	body := string(must(io.ReadAll(request.Body))(t))
	setBody(request, body)
	change(request, body)
	return a.node.send(t, request)
}

// TestBrokenTransfers are bodies that do not arrive as they were announced.
func TestBrokenTransfers(t *testing.T) {
	t.Parallel()
	n := newNode(t, func(with *setup) { with.readTimeout = 300 * time.Millisecond })
	a := n.newApp(t, "ada", nil)
	a.publish(t, "news", "before")
	tests := map[string]struct {
		tail   string
		closes bool
		status int
		name   string
	}{
		"truncated":           {"Content-Length: 50\r\n\r\n{\"data\":1", true, 400, "body_truncated"},
		"truncated in chunks": {"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"dat\r\n", true, 400, "body_truncated"},
		"broken chunk":        {"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{\"data\":1}\r\n0\r\n\r\n", true, 400, "bad_request"},
		"slow":                {"Content-Length: 50\r\n\r\n{\"data\":1", false, 408, "body_timeout"},
		"slow in chunks":      {"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"dat\r\n", false, 408, "body_timeout"},
		"slow gzip":           {"Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n\x1f\x8b", false, 408, "body_timeout"},
	}
	for name, test := range tests {
		for _, operation := range mutating {
			if strings.HasPrefix(name, "slow") && operation != "publish" && (operation != "commands" || name == "slow gzip") {
				continue // TestOperations is slow with every operation; compressed commands are refused before they are read
			}
			got := n.raw(t, a.sample(t, operation), test.tail, test.closes)
			if got.Status != test.status || got.errorName() != test.name {
				t.Errorf("%s, %s: got %d %s, want %d %s", operation, name, got.Status, got.Text, test.status, test.name)
			}
		}
	}
	if held := a.history(t, "news"); len(held) != 1 {
		t.Errorf("the history is %v", held)
	}
}
