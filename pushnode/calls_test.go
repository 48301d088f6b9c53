package pushnode_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"halley/tenant"
)

// callable are the operations of the specification that take a credential, in a fixed order.
func callable(tb testing.TB) [][2]string {
	var list [][2]string
	for path, item := range must(specified())(tb).spec.Paths.Map() {
		for method := range item.Operations() {
			if strings.HasPrefix(path, "/v1/") && path != "/v1/openapi.yaml" {
				list = append(list, [2]string{method, path})
			}
		}
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[1]+a[0], b[1]+b[0]) })
	return list
}

// FuzzCalls calls every operation with any name, query and body: there is an answer, it is one of those of the specification, it
// is no fault of ours, and what is answered well was asked well.
func FuzzCalls(f *testing.F) {
	n := newNode(f)
	a := n.newApp(f, "ada", tenant.Overrides{tenant.LimitAPIRequestsPerSecond: 1_000_000, tenant.LimitPublishesPerSecond: 1_000_000})
	operations := callable(f)
	for _, query := range []string{
		"", "limit=3&direction=forward&since=1-0-1:2", "limit=-1", "prefix=a&limit=1000&cursor=b", "client_id=ada", "session=x",
		"channel=news&wait=0s&rewind=3", "channel=news&cursor=news*1-0-1:2~b*1-0-1:0", "channel=a;b", "channel=news&presence=true",
		"key=x", "a=%", "a=1&a=2", "channel=news&wait=1ms&session=new", "client_id=" + strings.Repeat("x", 129),
		"prefix=" + strings.Repeat("x", 201), "cursor=" + strings.Repeat("x", 201), "limit=1000000000000000000000", "limit=%31",
	} {
		f.Add("news", query, `{"data":1}`, "")
	}
	for _, name := range []string{"a%2Fb", "..", "%2e%2e", "%ff", "a b", "*", "%252f", strings.Repeat("x", 201), "messages", ""} {
		f.Add(name, "", `{"messages":[{"channel":"a","data":1}]}`, "")
	}
	for _, body := range []string{
		`{"capabilities":{"room:*":["subscribe"]},"ttl":"1h"}`, `{"capabilities":{"*":["*"]},"ttl":1}`,
		`{"session":"x","commands":[{"op":"ping"}]}`, `{"event":"e","id":"1","exclude":"x","data":null}`,
		`{"messages":[{"channels":["a","b"],"data":{}}]}`, "\x1f\x8b", "[", `{"data":1`,
	} {
		f.Add("news", "", body, "")
	}
	f.Add("news", "", compressed(f, `{"data":1}`), "gzip")
	f.Fuzz(func(t *testing.T, name, query, body, encoding string) {
		for _, operation := range operations {
			target := strings.ReplaceAll(operation[1], "{channel}", name) + "?" + query
			request, err := http.NewRequest(operation[0], n.URL+target, strings.NewReader(body))
			if err != nil || strings.ContainsAny(target, " #\x7f") || request.URL.Path == "" {
				return // no server gets such a request line
			}
			request.Header.Set("Authorization", "Bearer "+a.secret)
			request.Header.Set("Content-Type", "application/json")
			if encoding != "" {
				request.Header.Set("Content-Encoding", strings.ToValidUTF8(encoding, ""))
			}
			a.tryCall(t, request, body)
		}
	})
}

// tryCall calls without a network, for at most a moment.
func (a *app) tryCall(t *testing.T, request *http.Request, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	recorded := httptest.NewRecorder()
	a.node.Handler().ServeHTTP(recorded, request.WithContext(ctx))
	response := recorded.Result()
	text := must(io.ReadAll(response.Body))(t)
	response.Body = io.NopCloser(strings.NewReader(string(text)))
	if response.StatusCode >= 500 && response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s %s: got %d %s", request.Method, request.URL, response.StatusCode, text)
	}
	if !utf8.Valid(text) || strings.Contains(string(text), a.secret) {
		t.Errorf("%s %s: the answer is %q", request.Method, request.URL, text)
	}
	if err := checkExchange(request, []byte(body), response); err != nil {
		t.Errorf("%s %s with %q, answered with %d, breaks the specification: %v",
			request.Method, request.URL, body, response.StatusCode, err)
	}
}
