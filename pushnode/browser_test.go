package pushnode_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"halley/tenant"
)

// forPages are the operations that a page may call, and see the answers of.
var forPages = []string{"eventStream", "poll", "commands"}

// crossing are the headers that let pages see answers.
func crossing(header http.Header) []string {
	var list []string
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// pages are requests of every operation of the specification that needs a credential, with the one given.
func (a *app) pages(t *testing.T, credential string, try func(operation string, request *http.Request)) {
	t.Helper()
	open := []string{"openapi", "script", "module", "pusherScript", "docs"}
	for _, item := range must(specified())(t).spec.Paths.Map() {
		for _, operation := range item.Operations() {
			if slices.Contains(open, operation.OperationID) {
				continue
			}
			request := a.sample(t, operation.OperationID)
			if operation.OperationID == "webSocket" {
				asUpgrade(request)
			}
			request.Header.Set("Authorization", "Bearer "+credential)
			try(operation.OperationID, request)
		}
	}
}

// head sends a request and returns the answer without its body.
func (n *node) head(t *testing.T, request *http.Request) (status int, header http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	response := must(n.client.Do(request.WithContext(ctx)))(t)
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

// TestPagesSeeWhatIsForThem calls everything as a page does, and asks beforehand as its browser does.
func TestPagesSeeWhatIsForThem(t *testing.T) {
	t.Parallel()
	const page = "https://page.example"
	a := newNode(t).newApp(t, "ada", nil)
	a.pages(t, a.publishable, func(operation string, request *http.Request) {
		request.Header.Set("Origin", page)
		status, header := a.node.head(t, request)
		preflight := must(http.NewRequestWithContext(t.Context(), http.MethodOptions, request.URL.String(), nil))(t)
		preflight.Header.Set("Origin", page)
		preflight.Header.Set("Access-Control-Request-Method", request.Method)
		preflight.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		asked, said := a.node.head(t, preflight)
		if !slices.Contains(forPages, operation) {
			if names := slices.Concat(crossing(header), crossing(said)); len(names) > 0 || asked < 400 {
				t.Errorf("%s is not for pages, and says %v; its preflight gets %d", operation, names, asked)
			}
			return
		}
		for what, header := range map[string]http.Header{"answer": header, "preflight": said} {
			if got := header.Get("Access-Control-Allow-Origin"); got != page {
				t.Errorf("%s: the %s (%d) allows %q, want the page", operation, what, status, got)
			}
			if !slices.Contains(header.Values("Vary"), "Origin") {
				t.Errorf("%s: the %s varies by %q, want Origin", operation, what, header.Values("Vary"))
			}
			if header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: the %s lets browsers send credentials of their own", operation, what)
			}
		}
		methods, headers := said.Get("Access-Control-Allow-Methods"), strings.ToLower(said.Get("Access-Control-Allow-Headers"))
		if asked != http.StatusNoContent || !strings.Contains(methods, request.Method) || !strings.Contains(headers, "authorization") ||
			!strings.Contains(headers, "content-type") || !strings.Contains(headers, "last-event-id") {
			t.Errorf("%s: the preflight gets %d, methods %q, headers %q", operation, asked, methods, headers)
		}
		if exposed := header.Get("Access-Control-Expose-Headers"); exposed != "Retry-After" {
			t.Errorf("%s: a page may read %q, want Retry-After", operation, exposed)
		}
	})
}

// TestPagesNeverHaveSecretKeys calls everything with a secret key where one must not be: it is refused with a code that says so,
// and pages see that where they may see anything.
func TestPagesNeverHaveSecretKeys(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	where := map[string]func(*http.Request){
		"in the query":          func(r *http.Request) { inQuery(r, "key", a.secret) },
		"in the query as token": func(r *http.Request) { inQuery(r, "token", a.secret) },
		"in the query, encoded": func(r *http.Request) { inQuery(r, "key", "%68l_sk_"+strings.TrimPrefix(a.secret, "hl_sk_")) },
		"of a page":             func(r *http.Request) { r.Header.Set("Origin", "https://page.example") },
		"of a sandbox":          func(r *http.Request) { r.Header.Set("Origin", "null") },
		"of a page, Basic": func(r *http.Request) {
			r.SetBasicAuth(a.secret, "")
			r.Header.Set("Origin", "https://page.example")
		},
	}
	for place, change := range where {
		a.pages(t, a.secret, func(operation string, request *http.Request) {
			change(request)
			if operation == "webSocket" { // refused after the handshake, where pages can read it
				s, query := a.node, request.URL.RawQuery
				header := http.Header{"Origin": request.Header["Origin"], "Authorization": request.Header["Authorization"]}
				if code := s.handshake(t, header, query).closing(); code != 4011 {
					t.Errorf("%s, %s: closes with %d, want 4011", operation, place, code)
				}
				return
			}
			got := a.node.send(t, request)
			got.expect(t, operation+", "+place, "secret_key_exposed", "a secret key must not")
			if got.Status != http.StatusForbidden || got.JSON.in("error").number("code") != 4011 {
				t.Errorf("%s, %s: got %d %s, want 403 with 4011", operation, place, got.Status, got.Text)
			}
			if origin := got.Header.Get("Access-Control-Allow-Origin"); slices.Contains(forPages, operation) != (origin != "") &&
				request.Header.Get("Origin") != "" {
				t.Errorf("%s, %s: the answer allows the origin %q", operation, place, origin)
			}
		})
	}
	opening := a.node.handshake(t, http.Header{"Origin": {"https://page.example"}}, "")
	opening.send(fmt.Sprintf(`{"op":"connect","ref":1,"key":%q}`, a.secret))
	if code := opening.closing(); code != 4011 {
		t.Errorf("a secret key in connect, of a page, closes with %d, want 4011", code)
	}
}

func inQuery(r *http.Request, name, value string) {
	r.Header.Del("Authorization")
	r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+name+"="+value, "&")
}

// TestOrigins calls as pages of many origins, of which the app lists some.
func TestOrigins(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	form := tenant.AppForm{Name: "ada", Origins: []string{"https://one.example", "https://*.many.example", "http://localhost:3000"}}
	a.changed(t, func() error { return n.Store.UpdateApp(t.Context(), a.scope(), a.id, form) })
	token := a.token(t, `{"capabilities":{"*":["subscribe"]}}`)
	for origin, allowed := range map[string]bool{
		"": true, "https://one.example": true, "https://ONE.example": true, "https://a.many.example": true,
		"http://localhost:3000": true, "https://one.example.evil": false, "http://one.example": false,
		"https://one.example:8443": false, "https://sub.one.example": false,
		"https://many.example": false, "https://a.b.many.example": false, "https://evilmany.example": false, "null": false,
		"http://localhost": false, "http://localhost:30000": false, "https://one.example/": false, "https://user@one.example": false,
	} {
		for _, operation := range forPages {
			for _, credential := range []string{a.publishable, token} {
				request := a.sample(t, operation)
				request.Header.Set("Authorization", "Bearer "+credential)
				if origin != "" {
					request.Header.Set("Origin", origin)
				}
				status, header := n.head(t, request)
				seen := header.Get("Access-Control-Allow-Origin")
				if (status == http.StatusForbidden) == allowed || allowed && seen != origin || !allowed && seen != "" {
					t.Errorf("%s of %q: got %d, allowed %q; want it allowed: %v", operation, origin, status, seen, allowed)
				}
			}
		}
		request := a.sample(t, "webSocket")
		asUpgrade(request)
		request.Header.Set("Authorization", "Bearer "+a.publishable)
		if request.Header["Origin"] = []string{origin}; origin == "" {
			request.Header.Del("Origin")
		}
		if status, _ := n.head(t, request); (status == http.StatusSwitchingProtocols) != allowed {
			t.Errorf("a WebSocket of %q: got %d; want it allowed: %v", origin, status, allowed)
		}
		if origin == "" {
			continue
		}
		late := n.handshake(t, http.Header{"Origin": {origin}}, "")
		late.send(fmt.Sprintf(`{"op":"connect","ref":1,"key":%q}`, a.publishable))
		if first := late.push(); (first.text("op") == "connected") != allowed {
			t.Errorf("connect of %q: got %v; want it allowed: %v", origin, first, allowed)
		}
	}
}
