package pushnode_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestFieldsOfAPublish(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	tests := map[string]struct{ body, name string }{
		"no data":             {`{"event":"x"}`, "missing_field"},
		"event is a number":   {`{"event":1,"data":1}`, "invalid_field"},
		"event is empty":      {`{"event":"","data":1}`, "invalid_field"},
		"event is long":       {`{"event":"` + strings.Repeat("é", 101) + `","data":1}`, "invalid_field"},
		"event has a control": {`{"event":"a\u0000","data":1}`, "invalid_field"},
		"id is null":          {`{"id":null,"data":1}`, "invalid_field"},
		"id is long":          {`{"id":"` + strings.Repeat("x", 129) + `","data":1}`, "invalid_field"},
		"id is not ASCII":     {`{"id":"é","data":1}`, "invalid_field"},
		"exclude is empty":    {`{"exclude":"","data":1}`, "invalid_field"},
		"channel in the body": {`{"channel":"news","data":1}`, "unknown_field"},
		"case of a name":      {`{"Data":1}`, "unknown_field"},
		"twice inside data":   {`{"data":{"a":1,"a":2}}`, "duplicate_name"},
		"bad UTF-8 in data":   {"{\"data\":\"\xc3\x28\"}", "bad_utf8"},
		"too deep":            {`{"data":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "too_deep"},
		"number like no JSON": {`{"data":01}`, "malformed_json"},
		"too large by a byte": {`{"event":"ordinary","data":"` + strings.Repeat("x", 65536-1-8) + `"}`, "message_too_large"},
		"event counts too":    {`{"data":"` + strings.Repeat("x", 65536-2) + `","event":"a"}`, "message_too_large"},
		"blanks are no data":  {`{"data":` + strings.Repeat(" ", 3000) + `"` + strings.Repeat("x", 65534) + `"}`, ""},
		"every field":         {`{"event":"é","id":"~ !","exclude":"ses_x","data":null}`, ""},
	}
	for name, test := range tests {
		got := a.call(t, http.MethodPost, "/v1/channels/news/messages", test.body)
		if got.errorName() != test.name || test.name == "" && got.Status != http.StatusCreated {
			t.Errorf("%s: got %d %.300s, want %q", name, got.Status, got.Text, test.name)
		}
	}
}

func TestChannelNamesInPaths(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	tests := map[string]struct{ path, channel, name string }{
		"plain":                 {"news", "news", ""},
		"every character":       {"Az09_-=@,.;:%2F", "Az09_-=@,.;:/", ""},
		"encoded needlessly":    {"%6eews", "news", ""},
		"slash":                 {"a%2fb", "a/b", ""},
		"slash, as a path":      {"a/b", "", "not_found"},
		"dots":                  {"..", "..", ""},
		"encoded dots":          {"%2e%2e%2Fx", "../x", ""},
		"encoded twice":         {"a%252Fb", "", "invalid_channel"},
		"longest":               {strings.Repeat("x", 200), strings.Repeat("x", 200), ""},
		"too long":              {strings.Repeat("x", 201), "", "invalid_channel"},
		"longest, encoded":      {strings.Repeat("%78", 200), strings.Repeat("x", 200), ""},
		"blank":                 {"%20", "", "invalid_channel"},
		"plus":                  {"a+b", "", "invalid_channel"},
		"nul":                   {"a%00", "", "invalid_channel"},
		"line":                  {"a%0d%0aX-Evil:%20yes", "", "invalid_channel"},
		"letter with an accent": {"caf%C3%A9", "", "invalid_channel"},
		"bad UTF-8":             {"%ff", "", "invalid_channel"},
		"star":                  {"*", "", "invalid_channel"},
		"question mark":         {"a%3Fb", "", "invalid_channel"},
		"nothing":               {"", "", "invalid_channel"},
	}
	for name, test := range tests {
		for _, call := range []struct {
			method, tail, body string
			status             int
		}{
			{http.MethodPost, "/messages", `{"data":1}`, 201}, {http.MethodGet, "/messages", "", 200},
			{http.MethodGet, "/presence", "", 200}, {http.MethodGet, "", "", 200},
		} {
			if name == "nothing" && call.tail == "" || name == "slash, as a path" && call.tail == "" {
				continue
			}
			got := a.call(t, call.method, "/v1/channels/"+test.path+call.tail, call.body)
			if got.errorName() != test.name || test.name == "" && (got.Status != call.status || got.JSON.text("channel") != test.channel) {
				t.Errorf("%s, %s %s: got %d %s, want %q %s", name, call.method, call.tail, got.Status, got.Text, test.channel, test.name)
			}
		}
	}
	if got := a.node.raw(t, a.sample(t, "channel"), "\r\n", false); got.Status != http.StatusOK {
		t.Errorf("a raw request: got %d", got.Status)
	}
}

func TestFieldsOfQueries(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	for path, name := range map[string]string{
		"/v1/channels/news/messages?limit=0":                         "invalid_field",
		"/v1/channels/news/messages?limit=1001":                      "invalid_field",
		"/v1/channels/news/messages?limit=ten":                       "invalid_field",
		"/v1/channels/news/messages?limit=1&limit=2":                 "invalid_field",
		"/v1/channels/news/messages?direction=up":                    "invalid_field",
		"/v1/channels/news/messages?since=5":                         "invalid_field",
		"/v1/channels/news/messages?since=EPOCH:1":                   "invalid_field",
		"/v1/channels/news/messages?since=a:99999999999999999999999": "invalid_field",
		"/v1/channels/news/messages?Limit=1":                         "unknown_field",
		"/v1/channels/news/presence?limit=1":                         "unknown_field",
		"/v1/channels/news?x":                                        "unknown_field",
		"/v1/channels?limit=-1":                                      "invalid_field",
		"/v1/channels?prefix=" + strings.Repeat("x", 201):            "invalid_field",
		"/v1/channels?cursor=" + strings.Repeat("x", 201):            "invalid_field",
		"/v1/channels?prefix=a&prefix=b":                             "invalid_field",
		"/v1/usage?month=1":                                          "unknown_field",
		"/v1/usage?a=%":                                              "bad_request",
		"/v1/poll?wait=0s":                                           "missing_field",
		"/v1/poll?channel=news&wait=56s":                             "invalid_field",
		"/v1/poll?channel=news&wait=-1s":                             "invalid_field",
		"/v1/poll?channel=news&rewind=1001":                          "invalid_field",
		"/v1/poll?channel=news&presence=yes":                         "invalid_field",
		"/v1/poll?channel=*":                                         "invalid_channel",
		"/v1/sse?channel=" + strings.Repeat("x", 201):                "invalid_channel",
		"/v1/sse?channel=news&cursor=x":                              "invalid_field",
		"/v1/sse?channel=news&wait=1s":                               "unknown_field",
	} {
		if got := a.call(t, http.MethodGet, path, ""); got.errorName() != name {
			t.Errorf("%s: got %d %s, want %s", path, got.Status, got.Text, name)
		}
	}
	for query, name := range map[string]string{
		"": "missing_field", "?client_id=a&session=b": "invalid_field", "?client=a": "unknown_field",
		"?session=a&session=b": "invalid_field", "?client_id=" + accents(129): "invalid_field", "?client_id=%ff": "invalid_field",
		"?session=" + strings.Repeat("x", 129): "invalid_field", "?client_id=" + accents(128): "",
	} {
		if got := a.call(t, http.MethodDelete, "/v1/sessions"+query, ""); got.errorName() != name {
			t.Errorf("DELETE /v1/sessions%s: got %d %s, want %s", query, got.Status, got.Text, name)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	for _, test := range []struct{ method, path, name, allow string }{
		{http.MethodPut, "/v1/channels/news/messages", "method_not_allowed", "GET, HEAD, POST"},
		{http.MethodGet, "/v1/messages", "method_not_allowed", "POST"},
		{http.MethodPost, "/v1/sessions", "method_not_allowed", "DELETE"},
		{http.MethodDelete, "/v1/poll", "method_not_allowed", "GET, OPTIONS"},
		{http.MethodPatch, "/v1/channels/a%2Fb", "method_not_allowed", "GET, HEAD"},
		{http.MethodGet, "/v1", "not_found", ""},
		{http.MethodGet, "/v1/", "not_found", ""},
		{http.MethodGet, "/v2/channels", "not_found", ""},
		{http.MethodGet, "/v1/channels/", "not_found", ""},
		{http.MethodGet, "/v1/Channels", "not_found", ""},
		{http.MethodGet, "/v1//channels", "not_found", ""},
		{http.MethodGet, "/v1/channels/news/messages/1", "not_found", ""},
	} {
		got := a.call(t, test.method, test.path, "")
		if got.errorName() != test.name || got.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: got %d %s, Allow %q", test.method, test.path, got.Status, got.Text, got.Header.Get("Allow"))
		}
	}
}
