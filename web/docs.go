package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// docsFiles is the docs as they are written: a Markdown file a page, the frame around each, and its style sheet.
//
//go:embed docs/*.md docs/layout.html docs/docs.css
var docsFiles embed.FS

// docsRoot is where the docs are served.
const docsRoot = "/docs"

// docsSection is one group of pages in the rail.
type docsSection struct {
	Title string
	Pages []docsPage
}

// docsPage is a page of the docs: Name is its file without .md. The first page of all stands at the root.
type docsPage struct {
	Name, Title string
}

// docsSections is the rail, from top to bottom.
func docsSections() []docsSection {
	return []docsSection{
		{"Start", []docsPage{{"quickstart", "Quick start"}}},
		{"Guides", []docsPage{
			{"publishing", "Publishing"}, {"receiving", "Receiving"}, {"tokens", "Tokens and capabilities"}, {"presence", "Presence"},
			{"webhooks", "Webhooks"}, {"client", "JS client"}, {"pusher", "Moving from Pusher"},
		}},
		{"Reference", []docsPage{
			{"api", "HTTP API"}, {"protocol", "Native protocol"}, {"errors", "Errors"}, {"limits", "Limits"},
		}},
		{"Operation", []docsPage{{"running", "Running Halley"}, {"cluster", "Running a cluster"}, {"benchmarks", "Benchmarks"}}},
	}
}

// Path is where the page is served.
func (p docsPage) Path() string {
	if p.Name == docsSections()[0].Pages[0].Name {
		return docsRoot
	}
	return docsRoot + "/" + p.Name
}

// Docs serves the docs under /docs. The pages are rendered here, once, from what was embedded.
func Docs() http.Handler {
	files := map[string]docsFile{}
	layout := template.Must(template.ParseFS(docsFiles, "docs/layout.html"))
	for _, section := range docsSections() {
		for _, page := range section.Pages {
			files[page.Path()] = renderPage(layout, page)
		}
	}
	files[docsRoot+"/docs.css"] = newDocsFile("text/css; charset=utf-8", mustRead(docsFiles, "docs/docs.css"))
	files[docsRoot+"/comet.svg"] = newDocsFile("image/svg+xml", mustRead(ConsoleStatic, "static/comet.svg"))
	missing := renderMissing(layout)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimRight(r.URL.Path, "/")
		if path == docsRoot+"/quickstart" { // the first page, by the name of its file
			path = docsRoot
		}
		if path != r.URL.Path {
			http.Redirect(w, r, path, http.StatusMovedPermanently)
			return
		}
		if file, found := files[r.URL.Path]; found {
			file.serve(w, r)
			return
		}
		missing.serveStatus(w, http.StatusNotFound)
	})
}

// OpenAPI serves the specification of the HTTP API: GET /v1/openapi.yaml. Any page may read it.
func OpenAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	newDocsFile("application/yaml; charset=utf-8", openAPI).serve(w, r)
}

// openAPI is the specification of the HTTP API, which docs/api.md is written from.
//
//go:embed openapi.yaml
var openAPI []byte

// docsFile is a file with its headers.
type docsFile struct {
	kind, tag string
	body      []byte
}

func newDocsFile(kind string, body []byte) docsFile {
	sum := sha256.Sum256(body)
	return docsFile{kind: kind, body: body, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (f docsFile) serve(w http.ResponseWriter, r *http.Request) {
	f.setHeader(w.Header())
	w.Header().Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}

func (f docsFile) serveStatus(w http.ResponseWriter, status int) {
	f.setHeader(w.Header())
	w.WriteHeader(status)
	_, _ = w.Write(f.body) // a client that has gone is nobody's fault
}

// setHeader allows a page its own style sheet and mark, and nothing else.
func (f docsFile) setHeader(header http.Header) {
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	if strings.HasPrefix(f.kind, "text/html") {
		header.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	}
}

// mustRead reads an embedded file. That it is there is known when Halley is built.
func mustRead(files embed.FS, name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return content
}
