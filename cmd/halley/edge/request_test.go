package edge_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"halley/cmd/halley/edge"
)

// get sends a GET with headers and returns the answer with its body.
func get(t *testing.T, s served, path string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get(edge.RequestID))
	}), nil)
	minted := regexp.MustCompile(`^req_[0-9a-z]{26}$`)
	tests := []struct {
		name, given string
		kept        bool
	}{
		{"none", "", false},
		{"a plain one", "0af7651916cd43dd8448eb211c80319c", true},
		{"with a line end", "a b", false},
		{"with markup", "<script>", false},
		{"too long", strings.Repeat("a", 65), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			response, body := get(t, s, "/", map[string]string{edge.RequestID: test.given})
			got := response.Header.Get(edge.RequestID)
			if got != body {
				t.Errorf("the answer says %q, the handler was told %q", got, body)
			}
			if test.kept != (got == test.given) || !test.kept && !minted.MatchString(got) {
				t.Errorf("the id is %q", got)
			}
		})
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the handler broke") }), nil)
	response, body := get(t, s, "/some/path?key=hl_sk_canary", nil)
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(body, `"internal"`) || strings.Contains(body, "broke") {
		t.Errorf("got %s %s", response.Status, body)
	}
	log := s.log.String()
	for _, want := range []string{"the handler broke", "request_test.go", "/some/path", response.Header.Get(edge.RequestID)} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, "canary") {
		t.Errorf("the log shows the query:\n%s", log)
	}
	if got := s.metric(t, "halley_edge_panics_total"); got != 1 {
		t.Errorf("%v panics counted", got)
	}
}

// Half an answer must not look like a whole one.
func TestPanicInMidAnswerCutsTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10))
		panic("the handler broke")
	}), nil)
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := io.ReadAll(answerOf(t, connection).Body); err == nil {
		t.Error("the answer ended as if it were whole")
	}
	eventually(t, "the count", func() bool { return s.metric(t, "halley_edge_panics_total") == 1 })
}

// http.ErrAbortHandler is how a handler cuts a connection on purpose: no fault.
func TestAbortIsNoPanic(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), nil)
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if data, _ := io.ReadAll(connection); len(data) != 0 {
		t.Errorf("answered %q", data)
	}
	if got := s.metric(t, "halley_edge_panics_total"); got != 0 {
		t.Errorf("%v panics counted", got)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil)
	get(t, s, "/tea?token=canary", map[string]string{"Authorization": "Bearer canary"})
	eventually(t, "the line", func() bool { return strings.Contains(s.log.String(), "msg=request") })
	log := s.log.String()
	if !strings.Contains(log, "path=/tea status=418 client=127.0.0.1:") || strings.Contains(log, "canary") {
		t.Errorf("the log says:\n%s", log)
	}
	if got := s.metric(t, "halley_edge_requests_total"); got != 1 {
		t.Errorf("%v requests counted", got)
	}
}

func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	for https, want := range map[bool]string{false: "", true: "max-age=31536000"} {
		s := start(t, ok, func(c *edge.Config) { c.HTTPS = https })
		response, _ := get(t, s, "/", nil)
		if got := response.Header.Get("Strict-Transport-Security"); got != want {
			t.Errorf("https %v: HSTS is %q", https, got)
		}
	}
}
