package console_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halley/console"
)

// fill makes an address of a route's pattern.
func fill(pattern string, parts map[string]string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for name, value := range parts {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return method, strings.ReplaceAll(path, "{$}", "")
}

// own are the parts that make addresses of pages that are there.
func (f *furnished) own() map[string]string {
	return map[string]string{
		"app": strings.TrimPrefix(f.app, "/apps/"), "key": f.key[strings.LastIndex(f.key, "/")+1:],
		"pusher":  f.pusher[strings.LastIndex(f.pusher, "/")+1:],
		"session": "csn_none", "file": "console.css",
		"webhook":  f.webhook[strings.LastIndex(f.webhook, "/")+1:],
		"delivery": f.delivery[strings.LastIndex(f.delivery, "/")+1:],
	}
}

// names reports whether a pattern has one of these parts.
func names(pattern string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(pattern, "{"+part+"}") })
}

// Every route of an app, asked for with another tenant's app, key or session, answers like one asked for with an id that nobody
// has.
func TestForeignIDsAreNotThere(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	own := house.own()
	eve := house.visitor()
	eveApp, _ := eve.signUp("eve@example.com")
	evesOwn := strings.TrimPrefix(eveApp, "/apps/")
	nobody := map[string]string{
		"app": "app_00000000000000000000000000", "key": "zzzzzzzz", "session": "csn_00000000000000000000000000",
		"pusher": "00000000000000000000", "webhook": "whk_00000000000000000000000000", "delivery": "whd_0",
	}
	// All that a form of any route needs, so that a route that forgot its check would do something.
	fields := values([]string{
		"name", "Shop", "kind", "secret", "operation", "publish", "overlap", "0s", "confirm", "Shop",
		"prefix", "orders:", "messages", "1", "age", "1m", "policy", "resume",
		"channel", "hello", "event", "e", "data", "1", "origins", "", "shared", "", "jwks", "https://a.example",
		"state", "off", "event_bytes", "100", "number", "77", "secret", "s", "url", "https://a.example",
	})
	eve.post(eveApp+"/pusher/switch", "state", "on").want(t, http.StatusSeeOther)

	before := house.owner.get(house.app + "/keys").body
	tried := 0
	for _, route := range console.Routes() {
		foreign, random := maps.Clone(own), maps.Clone(nobody)
		switch {
		case route.App && !names(route.Pattern, "key", "pusher", "webhook", "delivery"):
		case names(route.Pattern, "key", "pusher", "webhook", "delivery", "session"):
			tried++
			foreign["app"], random["app"] = evesOwn, evesOwn // her app, somebody else's key
			sameRefusal(t, eve, route.Pattern, foreign, random, fields)
			foreign["app"] = own["app"]
		default:
			continue
		}
		if route.App {
			tried++
			sameRefusal(t, eve, route.Pattern, foreign, nobody, fields)
		}
	}
	if tried < 20 {
		t.Errorf("only %d addresses were tried", tried)
	}
	if after := house.owner.get(house.app + "/keys").body; textOf(after) != textOf(before) {
		t.Error("the owner's keys have changed")
	}
	house.owner.get(house.app+"/rules").want(t, http.StatusOK, "orders:")
}

func sameRefusal(t *testing.T, eve *visitor, pattern string, foreign, random map[string]string, fields url.Values) {
	t.Helper()
	method, path := fill(pattern, foreign)
	got := eve.do(method, path, fields, nil)
	_, path = fill(pattern, random)
	want := eve.do(method, path, fields, nil)
	if got.status != http.StatusNotFound || got.body != want.body || want.status != got.status {
		t.Errorf("%s: %d with a foreign id, %d with a random one: %s", pattern, got.status, want.status, textOf(got.body))
	}
}

// Who is not logged in is sent to the door by every route that is not public.
func TestDoorIsClosed(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	stranger := house.visitor()
	for _, route := range console.Routes() {
		if route.Public {
			continue
		}
		method, path := fill(route.Pattern, house.own())
		got := stranger.do(method, path, url.Values{}, nil)
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/login") {
			t.Errorf("%s: %d to %q", route.Pattern, got.status, got.location)
		}
	}
	got := stranger.do(http.MethodPost, house.app+"/live", nil, http.Header{"Accept": {"application/json"}})
	got.want(t, http.StatusUnauthorized, "Log in again")
}

// The security headers of every route are those of the golden files, and no page with data is kept by a browser.
func TestHeaders(t *testing.T) {
	t.Parallel()
	starts := map[string]func(testing.TB, func(*console.Config)) *house{"http": newHouse, "https": newSecureHouse}
	for name, start := range starts {
		house := start(t, nil)
		golden, err := os.ReadFile(filepath.Join("testdata", "headers."+name))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(string(golden), "HOST", house.server.Listener.Addr().String())
		ada := house.visitor()
		app, _ := ada.signUp("ada@example.com")
		parts := map[string]string{
			"app": strings.TrimPrefix(app, "/apps/"), "key": "none", "session": "none", "file": "console.css",
		}
		patterns := []string{"GET /nothing", "POST /nothing", "DELETE /apps"}
		for _, route := range console.Routes() {
			if route.Pattern != "POST /logout" {
				patterns = append(patterns, route.Pattern)
			}
		}
		for _, pattern := range append(patterns, "POST /logout") {
			method, path := fill(pattern, parts)
			got := ada.do(method, path, url.Values{}, nil)
			if lines := securityLines(got.header); lines != want {
				t.Errorf("%s %s:\n%swant\n%s", name, pattern, lines, want)
			}
			if kept := got.header.Get("Cache-Control"); !strings.HasPrefix(path, "/static/") && kept != "no-store" {
				t.Errorf("%s %s: Cache-Control %q", name, pattern, kept)
			}
		}
	}
}

// securityLines are the headers that a golden file holds, sorted.
func securityLines(header http.Header) string {
	var lines []string
	for name, list := range header {
		switch name {
		case "Content-Type", "Content-Length", "Date", "Cache-Control", "Location", "Set-Cookie", "X-Request-Id", "Etag",
			"Accept-Ranges", "Retry-After", "Vary":
			continue
		}
		lines = append(lines, name+": "+strings.Join(list, ", "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// What a browser says of where a form comes from decides on every route that changes something.
func TestFormsFromElsewhere(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	parts := map[string]string{"app": strings.TrimPrefix(app, "/apps/"), "key": "none", "session": "none"}
	address, err := url.Parse(house.url)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		header  http.Header
		refused bool
	}{
		{"no headers", nil, false},
		{"same origin", http.Header{"Sec-Fetch-Site": {"same-origin"}}, false},
		{"typed in", http.Header{"Sec-Fetch-Site": {"none"}}, false},
		{"same site", http.Header{"Sec-Fetch-Site": {"same-site"}}, true},
		{"cross site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		{"only Origin, the host's", http.Header{"Origin": {house.url}}, false},
		{"only Origin, another's", http.Header{"Origin": {"https://evil.example"}}, true},
		{"Origin null", http.Header{"Origin": {"null"}}, true},
		{"Host of a proxy, the public Origin", http.Header{"Origin": {house.url}, "Host": {"10.1.2.3:80"}}, false},
		{"Host of a proxy, another's Origin", http.Header{"Origin": {"https://evil.example"}, "Host": {"10.1.2.3:80"}}, true},
		{"same host, other port", http.Header{"Origin": {"http://" + address.Hostname() + ":1"}}, true},
	}
	for _, test := range cases {
		for _, route := range console.Routes() {
			method, path := fill(route.Pattern, parts)
			if method != http.MethodPost || path == "/logout" {
				continue
			}
			got := ada.do(method, path, url.Values{}, test.header)
			if refused := got.status == http.StatusForbidden; refused != test.refused {
				t.Errorf("%s: %s: status %d, refused %v, want %v", test.name, route.Pattern, got.status, refused, test.refused)
			}
		}
	}
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if got := ada.do(http.MethodPost, "/logout", nil, foreign); got.status != http.StatusForbidden {
		t.Errorf("a foreign site logged the user out: %d", got.status)
	}
}

// Reading every page twice changes nothing that another reading would show.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	first := map[string]string{}
	for range 2 {
		for _, route := range console.Routes() {
			method, path := fill(route.Pattern, house.own())
			if method != http.MethodGet {
				continue
			}
			got := house.owner.get(path)
			if before, found := first[path]; found && before != textOf(got.body) {
				t.Errorf("%s: it was %s\nand now is %s", path, before, textOf(got.body))
			}
			first[path] = textOf(got.body)
		}
	}
}

// Every route without a body, with a wrong type, with too much, and with bytes that are no text: a clear answer and never a 500.
func TestBrokenForms(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	large := "name=" + strings.Repeat("a", 200<<10)
	bodies := []struct {
		name, contentType, body string
		status                  int
	}{
		{"json", "application/json", `{"name":"x"}`, http.StatusUnsupportedMediaType},
		{"no type", "", "name=x", http.StatusUnsupportedMediaType},
		{"multipart", "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		{"too large", "application/x-www-form-urlencoded", large, http.StatusRequestEntityTooLarge},
		{"broken escape", "application/x-www-form-urlencoded", "name=%zz", http.StatusBadRequest},
		{"not UTF-8", "application/x-www-form-urlencoded", "name=%ff%fe", http.StatusBadRequest},
		{"NUL", "application/x-www-form-urlencoded", "name=a%00b", http.StatusBadRequest},
	}
	// What these need stands in the address.
	bodiless := []string{"/logout", "/live", "/end", "token-keys/" + house.own()["key"] + "/remove"}
	for _, route := range console.Routes() {
		method, path := fill(route.Pattern, house.own())
		ends := func(end string) bool { return strings.HasSuffix(path, end) }
		if method != http.MethodPost || slices.ContainsFunc(bodiless, ends) {
			continue
		}
		for _, test := range bodies {
			request, err := http.NewRequestWithContext(t.Context(), method, house.url+path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if test.contentType != "" {
				request.Header.Set("Content-Type", test.contentType)
			}
			response, err := house.owner.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != test.status {
				t.Errorf("%s, %s: %d, want %d", route.Pattern, test.name, response.StatusCode, test.status)
			}
		}
		if got := house.owner.do(method, path, url.Values{}, nil); got.status >= 500 {
			t.Errorf("%s, empty form: %d", route.Pattern, got.status)
		}
	}
}
