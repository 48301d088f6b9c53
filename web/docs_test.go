package web_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"halley/web"
)

func get(tb testing.TB, handler http.Handler, path string) *httptest.ResponseRecorder {
	tb.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, path, nil))
	return recorder
}

var (
	linkPattern   = regexp.MustCompile(`href="([^"]+)"`)
	anchorPattern = regexp.MustCompile(`id="([^"]+)"`)
)

// TestDocsLinksLead follows every link between the pages, to its anchor.
func TestDocsLinksLead(t *testing.T) {
	t.Parallel()
	docs := web.Docs()
	pages := map[string]string{}
	var visit func(path string)
	visit = func(path string) {
		if _, seen := pages[path]; seen {
			return
		}
		answer := get(t, docs, path)
		if answer.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, answer.Code)
		}
		pages[path] = answer.Body.String()
		for _, link := range linkPattern.FindAllStringSubmatch(pages[path], -1) {
			if target, _, _ := strings.Cut(link[1], "#"); strings.HasPrefix(target, "/docs") {
				visit(target)
			}
		}
	}
	visit("/docs")
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(files) + 2; len(pages) != want {
		t.Errorf("%d pages are linked, want %d: each file, the style sheet and the mark", len(pages), want)
	}
	for path, page := range pages {
		for _, link := range linkPattern.FindAllStringSubmatch(page, -1) {
			target, anchor, found := strings.Cut(link[1], "#")
			if target == "" {
				target = path
			}
			if found && !strings.Contains(pages[target], `id="`+anchor+`"`) {
				t.Errorf("%s links to %s, which does not exist", path, link[1])
			}
		}
		ids := map[string]bool{}
		for _, id := range anchorPattern.FindAllStringSubmatch(page, -1) {
			if ids[id[1]] {
				t.Errorf("%s has the id %s twice", path, id[1])
			}
			ids[id[1]] = true
		}
	}
}

// TestDocsKeepTheirPolicy makes sure that the pages need nothing that their security policy forbids.
func TestDocsKeepTheirPolicy(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/docs", "/docs/errors", "/docs/api", "/docs/receiving", "/docs/nothing"} {
		answer := get(t, web.Docs(), path)
		policy := answer.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		// What stands in examples is escaped; what is left is markup.
		for _, forbidden := range []string{"<script", "<style", " style=", "javascript:", " onclick="} {
			if strings.Contains(answer.Body.String(), forbidden) {
				t.Errorf("%s has %q, which the policy forbids", path, forbidden)
			}
		}
		if strings.Contains(answer.Body.String(), "raw HTML omitted") {
			t.Errorf("%s lost raw HTML", path)
		}
	}
}

func TestDocsAnswers(t *testing.T) {
	t.Parallel()
	docs := web.Docs()
	for _, test := range []struct {
		path     string
		status   int
		kind     string
		contains string
	}{
		{"/docs", 200, "text/html; charset=utf-8", "<h1 id=\"quick-start\">Quick start</h1>"},
		{"/docs/errors", 200, "text/html; charset=utf-8", `<h3 id="rate_limited">`},
		{"/docs/api", 200, "text/html; charset=utf-8", "aria-current=\"page\""},
		{"/docs/docs.css", 200, "text/css; charset=utf-8", "color-scheme: light dark"},
		{"/docs/comet.svg", 200, "image/svg+xml", "<svg"},
		{"/docs/nothing", 404, "text/html; charset=utf-8", "There is no such page"},
	} {
		answer := get(t, docs, test.path)
		kind := answer.Header().Get("Content-Type")
		if answer.Code != test.status || kind != test.kind || !strings.Contains(answer.Body.String(), test.contains) {
			t.Errorf("%s: %d %s, want %d %s with %q", test.path, answer.Code, kind, test.status, test.kind, test.contains)
		}
		if answer.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", test.path)
		}
	}
	for _, path := range []string{"/docs/", "/docs/quickstart"} {
		if answer := get(t, docs, path); answer.Code != http.StatusMovedPermanently || answer.Header().Get("Location") != "/docs" {
			t.Errorf("%s: %d to %q", path, answer.Code, answer.Header().Get("Location"))
		}
	}
}

func TestDocsAreNotSentTwice(t *testing.T) {
	t.Parallel()
	docs := web.Docs()
	tag := get(t, docs, "/docs").Header().Get("ETag")
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs", nil)
	request.Header.Set("If-None-Match", tag)
	recorder := httptest.NewRecorder()
	docs.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusNotModified || recorder.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes", recorder.Code, recorder.Body.Len())
	}
}

func TestSpecificationIsServed(t *testing.T) {
	t.Parallel()
	answer := get(t, http.HandlerFunc(web.OpenAPI), "/v1/openapi.yaml")
	if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Body.String(), "openapi: 3.1.0") {
		t.Errorf("status %d, %.40s", answer.Code, answer.Body)
	}
	if got := answer.Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("other pages may not read it: %q", got)
	}
}
