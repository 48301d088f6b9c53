package console

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// page is what every template gets. Data is the screen's own part.
type page struct {
	Title      string
	Nav        string // which item of the rail is this one: overview, keys, rules, pusher, settings
	Viewer     *viewer
	App        *appItem  // nil outside of an app
	Apps       []appItem // for the switcher
	Notice     string    // what was just done
	Form       *form     // what was posted, when it was refused
	Live       bool      // the page loads the JS client
	SignUpOpen bool
	Data       any
}

// viewer is who looks.
type viewer struct {
	Email string
}

// appItem is an app in the switcher.
type appItem struct {
	ID   string
	Name string
}

// templates are the pages, parsed once: each page's own set of the shared parts and its file.
type templates struct {
	pages map[string]*template.Template
}

// sharedTemplates are the files that hold parts and no page.
var sharedTemplates = []string{
	"templates/layout.html", "templates/icons.html", "templates/keystate.html", "templates/pushertabs.html", "templates/webhookparts.html",
}

func newTemplates(files fs.FS, assetPath func(name string) (string, error)) (*templates, error) {
	shared, err := template.New("").Funcs(template.FuncMap{
		"asset":   assetPath,
		"ago":     ago,
		"clock":   clock,
		"initial": initial,
		"shell":   shellQuote,
	}).ParseFS(files, sharedTemplates...)
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	set := &templates{pages: make(map[string]*template.Template)}
	for _, name := range names {
		clone, err := shared.Clone()
		if err == nil {
			clone, err = clone.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parse template: %w", err)
		}
		set.pages[strings.TrimSuffix(path.Base(name), ".html")] = clone.Lookup(path.Base(name))
	}
	return set, nil
}

// render writes a page whole or not at all: a template that fails half way must not leave half a page with status 200.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, content page) {
	var body bytes.Buffer
	content.SignUpOpen = s.config.SignUp == SignUpOpen
	if err := s.templates.pages[name].Execute(&body, content); err != nil {
		s.config.Logger.ErrorContext(r.Context(), "page not rendered", "page", name, "err", err)
		http.Error(w, "Something went wrong on our side. Try again.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that has gone is nobody's fault
}

// initial is the first letter or digit of a name, for its tile.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	r, _ := utf8.DecodeRuneInString(name)
	return string(r)
}
