package console_test

import (
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"halley/console"
	"halley/tenant"
	"halley/web"
)

// goodPassword passes the rules.
const goodPassword = "a comet comes back in 2061"

// house is a console on a real store, a hub that stands for the push node, and a web server around both.
type house struct {
	tb     testing.TB
	url    string
	server *httptest.Server
	store  *tenant.Store
	hub    *hub
	outbox *outbox
	posts  posts
	log    *logBook
	config console.Config
}

// newHouse starts a console. Edit changes its configuration.
func newHouse(tb testing.TB, edit func(*console.Config)) *house { return startHouse(tb, false, edit) }

// newSecureHouse starts a console behind TLS.
func newSecureHouse(tb testing.TB, edit func(*console.Config)) *house {
	return startHouse(tb, true, edit)
}

func startHouse(tb testing.TB, secure bool, edit func(*console.Config)) *house {
	tb.Helper()
	h := &house{tb: tb, hub: newHub(), outbox: &outbox{}, log: &logBook{}, store: openStore(tb)}
	mux := http.NewServeMux()
	h.server = httptest.NewUnstartedServer(mux)
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	h.url = scheme + h.server.Listener.Addr().String()
	h.config = console.Config{
		Store: h.store, Publisher: h.hub, History: h.hub, Tokens: h.hub, Webhooks: &h.posts, Mailer: h.outbox, PublicURL: h.url,
		Logger: slog.New(slog.NewTextHandler(h.log, nil)), ClientIP: everyTestItsOwnAddress(),
	}
	if edit != nil {
		edit(&h.config)
	}
	server, err := console.New(h.config)
	if err != nil {
		tb.Fatal(err)
	}
	mux.Handle("/", server)
	mux.Handle("/halley.js", web.Client())
	mux.HandleFunc("/v1/ws", h.hub.serveWebSocket)
	h.server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(h.log, nil), slog.LevelInfo)
	if secure {
		h.server.StartTLS()
	} else {
		h.server.Start()
	}
	tb.Cleanup(func() {
		h.hub.close()
		h.server.Close()
		server.Close()
	})
	return h
}

// openStore makes an embedded store in a folder of the test's own.
func openStore(tb testing.TB) *tenant.Store {
	tb.Helper()
	store, err := tenant.Open(tb.Context(), tenant.Config{DataDir: tb.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := store.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return store
}

// everyTestItsOwnAddress gives each request another address, so that only the tests of the throttle meet it.
func everyTestItsOwnAddress() func(*http.Request) netip.Addr {
	var count atomic.Uint32
	return func(*http.Request) netip.Addr {
		n := count.Add(1)
		return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	}
}

// visitor is a browser without scripts: it keeps cookies and follows no redirect by itself.
type visitor struct {
	tb     testing.TB
	house  *house
	client *http.Client
}

func (h *house) visitor() *visitor {
	h.tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	return &visitor{tb: h.tb, house: h, client: &http.Client{
		Transport:     h.server.Client().Transport,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status   int
	header   http.Header
	body     string
	location string
}

func (v *visitor) get(path string) answer {
	v.tb.Helper()
	return v.do(http.MethodGet, path, nil, nil)
}

func (v *visitor) post(path string, fields ...string) answer {
	v.tb.Helper()
	return v.do(http.MethodPost, path, values(fields), nil)
}

// do sends one request; header may be nil.
func (v *visitor) do(method, path string, fields url.Values, header http.Header) answer {
	v.tb.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(fields.Encode())
	}
	request, err := http.NewRequestWithContext(v.tb.Context(), method, v.house.url+path, body)
	if err != nil {
		v.tb.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, list := range header {
		request.Header[name] = list
	}
	if host := header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.tb.Fatal(err)
	}
	return answer{
		status: response.StatusCode, header: response.Header, body: string(text), location: response.Header.Get("Location"),
	}
}

// values makes a form of names and values in turn; a name may come more than once.
func values(fields []string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return form
}

// signUp makes an account and returns the path of its first app and the answer that led there.
func (v *visitor) signUp(email string) (app string, landing string) {
	v.tb.Helper()
	got := v.post("/signup", "email", email, "password", goodPassword)
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/apps/app_") {
		v.tb.Fatalf("sign-up: %d to %q: %s", got.status, got.location, textOf(got.body))
	}
	app, _, _ = strings.Cut(got.location, "?")
	return app, got.location
}

// cookie is the value of the session cookie, or empty.
func (v *visitor) cookie() string {
	address, err := url.Parse(v.house.url)
	if err != nil {
		v.tb.Fatal(err)
	}
	for _, cookie := range v.client.Jar.Cookies(address) {
		if strings.HasSuffix(cookie.Name, "halley_session") {
			return cookie.Value
		}
	}
	return ""
}

// want fails the test unless the answer has the status and holds each text.
func (a answer) want(tb testing.TB, status int, texts ...string) answer {
	tb.Helper()
	if a.status != status {
		tb.Errorf("status %d, want %d (to %q): %s", a.status, status, a.location, textOf(a.body))
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) && !strings.Contains(textOf(a.body), text) {
			tb.Errorf("the page does not say %q: %s", text, textOf(a.body))
		}
	}
	return a
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// textOf is a page without its tags, for messages.
func textOf(body string) string {
	return html.UnescapeString(strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " "))
}

// find returns the first group of the pattern in the text, or fails.
func find(tb testing.TB, pattern, text string) string {
	tb.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		tb.Fatalf("no %s in: %s", pattern, textOf(text))
	}
	return match[1]
}

const (
	secretPattern      = `(hl_sk_[0-9A-Za-z]{46})`
	publishablePattern = `(hl_pk_[0-9A-Za-z]{46})`
)

// explained is an error as a push node makes it.
type explained struct {
	error
	status   int
	sentence string
}

// refusal is what the hub says to what it does not take.
func refusal(status int, sentence string) error {
	return explained{error: errors.New(sentence), status: status, sentence: sentence}
}
