package web

import (
	"bytes"
	"html/template"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// docsView is what the layout shows.
type docsView struct {
	Sections []docsSection
	Page     docsPage
	Outline  []docsHeading
	Body     template.HTML // rendered from our own Markdown, in which raw HTML is not allowed
}

// docsHeading is one entry of "On this page".
type docsHeading struct{ ID, Title string }

func renderPage(layout *template.Template, page docsPage) docsFile {
	source := mustRead(docsFiles, "docs/"+page.Name+".md")
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	context := parser.NewContext(parser.WithIDs(anchors{}))
	document := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(context))
	outline := prepare(document, source)
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, source, document); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return layOut(layout, docsView{Page: page, Outline: outline, Body: template.HTML(body.String())})
}

func renderMissing(layout *template.Template) docsFile {
	return layOut(layout, docsView{
		Page: docsPage{Title: "Not found"},
		Body: `<h1>There is no such page</h1><p>The docs begin at the <a href="/docs">quick start</a>.</p>`,
	})
}

func layOut(layout *template.Template, view docsView) docsFile {
	view.Sections = docsSections()
	var page bytes.Buffer
	if err := layout.Execute(&page, view); err != nil {
		panic(err) // the layout and all that it shows are our own
	}
	return newDocsFile("text/html; charset=utf-8", page.Bytes())
}

// prepare makes links between the files of the docs into links between pages, and returns the headings of the second level.
func prepare(document ast.Node, source []byte) []docsHeading {
	var outline []docsHeading
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Link:
			node.Destination = []byte(pageLink(string(node.Destination)))
		case *ast.Heading:
			if id, found := node.AttributeString("id"); found && node.Level == 2 {
				outline = append(outline, docsHeading{ID: string(id.([]byte)), Title: plainText(node, source)})
			}
		}
		return ast.WalkContinue, nil
	})
	return outline
}

// pageLink turns errors.md#denied into /docs/errors#denied. Other links stay as they are.
func pageLink(destination string) string {
	file, anchor, _ := strings.Cut(destination, "#")
	name, found := strings.CutSuffix(file, ".md")
	if !found || strings.Contains(name, "/") {
		return destination
	}
	path := docsPage{Name: name}.Path()
	if anchor != "" {
		path += "#" + anchor
	}
	return path
}

// plainText is what a heading says, without its marks.
func plainText(node ast.Node, source []byte) string {
	var words strings.Builder
	_ = ast.Walk(node, func(part ast.Node, entering bool) (ast.WalkStatus, error) {
		if leaf, ok := part.(*ast.Text); ok && entering {
			words.Write(leaf.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return words.String()
}

// anchors makes the ids of a page's headings: lower case, with "-" for blanks. "_" stays, so that an error's name is its anchor.
type anchors map[string]bool

// Generate returns an id that is not taken yet.
func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	slug := strings.Map(func(char rune) rune {
		switch {
		case unicode.IsLetter(char), unicode.IsDigit(char), char == '_', char == '-':
			return unicode.ToLower(char)
		case char == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(string(value)))
	id := slug
	for n := 2; a[id] || id == ""; n++ {
		id = slug + "-" + strconv.Itoa(n)
	}
	a[id] = true
	return []byte(id)
}

// Put takes an id.
func (a anchors) Put(value []byte) { a[string(value)] = true }
