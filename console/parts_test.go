package console_test

import (
	"context"
	"errors"
	"fmt"
	"go/format"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halley/console"
	"halley/tenant"
)

func TestRelativeTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for distance, want := range map[time.Duration]string{
		0: "just now", -59 * time.Second: "just now", -time.Minute: "1 minute ago", -5 * time.Minute: "5 minutes ago",
		-90 * time.Minute: "2 hours ago",
		-25 * time.Hour:   "1 day ago", -40 * 24 * time.Hour: "1 month ago", -800 * 24 * time.Hour: "2 years ago",
		time.Second: "in a moment", time.Hour: "in 1 hour", 24*time.Hour - time.Second: "in 24 hours",
		7 * 24 * time.Hour: "in 7 days",
	} {
		if got := console.RelativeTime(now.Add(distance), now); got != want {
			t.Errorf("%v: %q, want %q", distance, got, want)
		}
	}
}

func TestBrowserName(t *testing.T) {
	t.Parallel()
	const webkit, chrome = "AppleWebKit/605.1.15 (KHTML, like Gecko) ", "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                "Firefox on Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + "Version/18.4 Safari/605.1.15":            "Safari on macOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36 Edg/156.0.0.0":                   "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 15) " + chrome + "Mobile Safari/537.36":                                    "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) " + webkit + "Version/18.4 Mobile Safari/604.1": "Safari on iPhone",
		"curl/8.10.1": "curl", "": "Unknown browser", "something else": "something else",
	} {
		if got := console.BrowserName(agent); got != want {
			t.Errorf("%s: %q, want %q", agent, got, want)
		}
	}
}

// Where a page sends the reader afterwards is a page of ours.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{
		"/apps", "", "//evil.example", `/\evil.example`, "https://evil.example",
		"/a\r\nSet-Cookie: x=y", "/\t/evil.example", "javascript:alert(1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := console.LocalPath(path)
		if got != "" && (got[0] != '/' || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t")) {
			t.Errorf("%q became %q", path, got)
		}
	})
}

func FuzzJSONFault(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, "", "\n\n[1,]", `{"a":1,"a":2}`, "\xff", "\"é\" x", "1 2", strings.Repeat("[", 20000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if fault := console.JSONFault(text); strings.Contains(fault, "line 0") || strings.Contains(fault, "column 0") {
			t.Errorf("%q: %s", text, fault)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("keys: %w", tenant.ErrNotFound), http.StatusNotFound},
		{fmt.Errorf("keys: %w", tenant.ErrForbidden), http.StatusForbidden},
		{fmt.Errorf("log in: %w", tenant.ErrBusy), http.StatusTooManyRequests},
		{&tenant.TooManyError{RetryAfter: 3 * time.Minute}, http.StatusTooManyRequests},
		{&tenant.TooManyError{}, http.StatusTooManyRequests},
		{fmt.Errorf("apps: %w", tenant.ErrUnavailable), http.StatusServiceUnavailable},
		{fmt.Errorf("apps: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		{&tenant.InvalidError{Field: "name", Reason: "a name is needed"}, http.StatusUnprocessableEntity},
		{errors.New("secret cause"), http.StatusInternalServerError},
	} {
		status, title, text := console.FailureStatus(test.err)
		if status != test.status || title == "" || text == "" || strings.Contains(text, "secret cause") {
			t.Errorf("%v: %d %q %q", test.err, status, title, text)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	store, hub := openStore(t), newHub()
	good := console.Config{Store: store, Publisher: hub, History: hub, Tokens: hub, PublicURL: "https://push.example.com"}
	for name, edit := range map[string]func(*console.Config){
		"store": func(c *console.Config) { c.Store = nil }, "publisher": func(c *console.Config) { c.Publisher = nil },
		"no host": func(c *console.Config) { c.PublicURL = "push.example.com" },
		"path":    func(c *console.Config) { c.PublicURL += "/console" },
		"query":   func(c *console.Config) { c.PublicURL += "?a=b" },
		"scheme":  func(c *console.Config) { c.PublicURL = "ftp://push.example.com" },
		"mode":    func(c *console.Config) { c.SignUp = "sometimes" },
	} {
		config := good
		edit(&config)
		if server, err := console.New(config); err == nil {
			server.Close()
			t.Errorf("%s: taken", name)
		}
	}
	server, err := console.New(good)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
}

// A fault of the program is an answer and a line in the log, and the next request is served.
func TestPanicsAreCaught(t *testing.T) {
	t.Parallel()
	house := newHouse(t, func(c *console.Config) { c.Publisher = nobody{} })
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	got := ada.post(app+"/publish", "channel", "hello", "data", "1").
		want(t, http.StatusInternalServerError, "Something went wrong")
	if strings.Contains(got.body, "a secret cause") || !strings.Contains(house.log.String(), "a secret cause") {
		t.Error("the cause belongs in the log and not on the page")
	}
	ada.get(app).want(t, http.StatusOK)
}

type nobody struct{}

func (nobody) Publish(context.Context, string, string, string, []byte) (console.Receipt, error) {
	panic("a secret cause")
}

// Secrets of the whole journey are in no line of the log.
func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, landing := ada.signUp("ada@example.com")
	secret := find(t, secretPattern, ada.get(landing).body)
	house.hub.refuseWith(errors.New("broken"))
	ada.post(app+"/publish", "channel", "hello", "data", `"payload-canary"`).want(t, http.StatusInternalServerError)
	for _, canary := range []string{secret, goodPassword, ada.cookie(), "payload-canary"} {
		if strings.Contains(house.log.String(), canary) {
			t.Errorf("%q is in the log", canary)
		}
	}
}

func snippet(t *testing.T, input console.SnippetInput, name string) string {
	t.Helper()
	snippets, err := console.FillSnippets(input)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range snippets {
		if s.Name == name {
			return s.Code
		}
	}
	t.Fatalf("no snippet %s", name)
	return ""
}

// The Go program is formatted as gofmt does it, and compiles.
func TestGoSnippet(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "hl_sk_AbCdEfGh0123456789012345678901234567890123456789"} {
		code := snippet(t, console.SnippetInput{BaseURL: "http://localhost:8080", Channel: "a/b:c", SecretKey: key}, "go")
		formatted, err := format.Source([]byte(code))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(formatted)) != code {
			t.Errorf("gofmt would write\n%s\nnot\n%s", formatted, code)
		}
		typeCheck(t, code)
		if !strings.Contains(code, `"http://localhost:8080/v1/channels/a%2Fb:c/messages"`) {
			t.Errorf("the channel is not escaped:\n%s", code)
		}
	}
}

func typeCheck(t *testing.T, code string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "vet", path)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("the program does not compile: %v\n%s", err, output)
	}
}

// Whatever a value holds, it stays one word of the shell and one string of each language.
func TestSnippetQuoting(t *testing.T) {
	t.Parallel()
	evil := `a'; rm -rf / #"` + "`$(id)\n</script><script>alert(1)</script>\\"
	output, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+console.ShellQuote(evil)).Output()
	if err != nil || string(output) != evil {
		t.Errorf("the shell reads %q: %v", output, err)
	}
	if got := console.PHPQuote(`it's \ here`); got != `'it\'s \\ here'` {
		t.Errorf("PHP: %s", got)
	}
	js := snippet(t, console.SnippetInput{BaseURL: "http://h", Channel: evil}, "js")
	if strings.Count(js, "</script>") != 2 || strings.Contains(js, "alert(1)</script>") {
		t.Errorf("the channel breaks out of the script:\n%s", js)
	}
}
