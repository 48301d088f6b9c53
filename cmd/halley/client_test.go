package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// asked is a request as a server sees it.
type asked struct{ path, authorization, body string }

// serveAnswers is a server that gives one answer after the other, and the last one again and again.
func serveAnswers(t *testing.T, answers ...http.HandlerFunc) (url string, requests func() []asked) {
	t.Helper()
	var mu sync.Mutex
	var seen []asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		answer := answers[min(len(seen), len(answers)-1)]
		seen = append(seen, asked{r.URL.EscapedPath(), r.Header.Get("Authorization"), string(body)})
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL, func() []asked {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func answering(status int, retryAfter, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestPublish(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_sk_test")
	url, requests := serveAnswers(t, answering(201, "", "{\n \"id\": \"a\", \"offset\": 1 }"))
	tests := []struct {
		name      string
		arguments []string
		stdin     string
		path      string
		want      publication
	}{
		{"JSON", []string{"news", `{ "a": 1 }`}, "", "/v1/channels/news/messages", publication{Data: []byte(`{"a":1}`)}},
		{"text", []string{"news", "--text", `say "hi"`}, "", "/v1/channels/news/messages", publication{Data: []byte(`"say \"hi\""`)}},
		{"standard input", []string{"news", "-"}, "[1,\n2]", "/v1/channels/news/messages", publication{Data: []byte(`[1,2]`)}},
		{"everything", []string{"a:b/c", "1", "--event", "e", "--id", "i", "--exclude", "ses_1"}, "", "/v1/channels/a:b%2Fc/messages",
			publication{Data: []byte(`1`), Event: "e", ID: "i", Exclude: "ses_1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"publish", "--url", url}, test.arguments...),
				process{stdin: strings.NewReader(test.stdin), stdout: &stdout, stderr: &stderr})
			if code != exitOK || stdout.String() != "{\"id\":\"a\",\"offset\":1}\n" {
				t.Fatalf("exit code %d, printed %q, said %q", code, stdout.String(), stderr.String())
			}
			all := requests()
			last := all[len(all)-1]
			var got publication
			if err := json.Unmarshal([]byte(last.body), &got); err != nil {
				t.Fatal(err)
			}
			if test.want.ID == "" {
				if !strings.HasPrefix(got.ID, "msg_") {
					t.Errorf("the id is %q", got.ID)
				}
				got.ID = ""
			}
			if last.path != test.path || last.authorization != "Bearer hl_sk_test" || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", test.want) {
				t.Errorf("sent %+v to %s as %s", got, last.path, last.authorization)
			}
		})
	}
}

// A publish that is repeated has the same id, so that it is kept once.
func TestPublishTriesAgain(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_sk_test")
	url, requests := serveAnswers(t,
		answering(503, "1", `{"error":{"code":4101,"name":"unavailable","message":"not now","docs":"/docs"}}`),
		func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, // the connection breaks
		answering(429, "", ""),
		answering(201, "", `{"offset":1}`))
	begin := time.Now()
	got := execute("publish", "--url", url, "news", "1")
	if got.code != exitOK || got.stdout != "{\"offset\":1}\n" {
		t.Fatalf("%+v", got)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("came back after %v, but was told to wait a second", took)
	}
	all := requests()
	for _, request := range all {
		if request.body != all[0].body {
			t.Errorf("sent %s, then %s", all[0].body, request.body)
		}
	}
	if len(all) != 4 {
		t.Errorf("asked %d times, want 4", len(all))
	}
}

func TestPublishGivesUp(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_sk_test")
	refusing, requests := serveAnswers(t, answering(403, "", `{"error":{"code":4310,"name":"denied","message":"this key may not","docs":"/docs"}}`))
	got := execute("publish", "--url", refusing, "news", "1")
	if got.code != exitFailure || !strings.Contains(got.stderr, "this key may not (denied)") || len(requests()) != 1 {
		t.Errorf("refused for good: %+v after %d tries", got, len(requests()))
	}
	full, _ := serveAnswers(t, answering(503, "60", ""))
	got = execute("publish", "--url", full, "--timeout", "300ms", "news", "1")
	if got.code != exitFailure || !strings.Contains(got.stderr, "503") {
		t.Errorf("refused until the timeout: %+v", got)
	}
	for _, result := range []result{got} {
		if strings.Contains(result.stderr, "hl_sk_test") {
			t.Errorf("the reason shows the key: %s", result.stderr)
		}
	}
}

func TestToken(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_sk_test")
	url, requests := serveAnswers(t, answering(200, "", `{"token":"t","expires":1}`))
	got := execute("token", "--url", url, "--client-id", "ada", "--ttl", "90m", "room:*=subscribe,presence", "a=b=publish")
	if got.code != exitOK || got.stdout != "{\"token\":\"t\",\"expires\":1}\n" {
		t.Fatalf("%+v", got)
	}
	var sent tokenRequest
	if err := json.Unmarshal([]byte(requests()[0].body), &sent); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sent) != "{ada map[a=b:[publish] room:*:[subscribe presence]] 1h30m0s}" || requests()[0].path != "/v1/tokens" {
		t.Errorf("sent %v to %s", sent, requests()[0].path)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for range 50 {
		var b backoff
		for try := range 20 {
			ceiling := min(firstWait<<min(try, 10), longestWait)
			if wait := b.next(); wait <= 0 || wait > ceiling+time.Millisecond {
				t.Fatalf("try %d waits %v, want up to %v", try, wait, ceiling)
			}
		}
	}
}
