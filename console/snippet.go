package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/template"
)

// Snippet is a program that does one thing against this server with the app's own keys.
type Snippet struct {
	Name  string // for ids
	Title string
	Code  string
}

// snippetInput is what the programs are made from. Every value is quoted by the rules of each language: a channel's name is the
// user's.
type snippetInput struct {
	BaseURL     string
	Channel     string
	SecretKey   string // empty: the program reads HALLEY_KEY from its environment
	Publishable string // empty: a place holder
}

// URL is the address that messages of the channel are posted to.
func (i snippetInput) URL() string {
	return i.BaseURL + "/v1/channels/" + url.PathEscape(i.Channel) + "/messages"
}

const curlSnippet = `curl {{shell .URL}} \
  -u {{if .SecretKey}}{{shell (print .SecretKey ":")}}{{else}}"$HALLEY_KEY:"{{end}} \
  -H 'Content-Type: application/json' \
  -d '{"event": "greeting", "data": {"text": "Hello from curl"}}'`

// The greeting is printed into the page as text: a reader who copies the snippet must not inherit a hole.
const jsSnippet = `<script src="{{html .BaseURL}}/halley.js"></script>
<script>
  const halley = new Halley({ key: {{js (or .Publishable "hl_pk_…")}} })

  halley.channel({{js .Channel}}).subscribe("greeting", message => {
    document.body.append(message.data.text)
  })
</script>`

const goSnippet = `package main

import (
	"fmt"
	"net/http"
	{{if not .SecretKey}}"os"
	{{end}}"strings"
)

func main() {
	body := strings.NewReader({{raw .GoBody}})
	request, err := http.NewRequest("POST", {{quote .URL}}, body)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+{{if .SecretKey}}{{quote .SecretKey}}{{else}}os.Getenv("HALLEY_KEY"){{end}})
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}`

const pythonSnippet = `import json
{{if not .SecretKey}}import os
{{end}}import urllib.request

request = urllib.request.Request(
    {{quote .URL}},
    data=json.dumps({"event": "greeting", "data": {"text": "Hello from Python"}}).encode(),
    headers={
        "Authorization": "Bearer " + {{if .SecretKey}}{{quote .SecretKey}}{{else}}os.environ["HALLEY_KEY"]{{end}},
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(json.load(response))`

const phpSnippet = `<?php
$answer = file_get_contents({{php .URL}}, false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Authorization: Bearer ' . {{if .SecretKey}}{{php .SecretKey}}{{else}}getenv('HALLEY_KEY'){{end}},
        'Content-Type: application/json',
    ],
    'content' => json_encode(['event' => 'greeting', 'data' => ['text' => 'Hello from PHP']]),
]]));
echo $answer, PHP_EOL;`

// GoBody is the publication of the Go program.
func (i snippetInput) GoBody() string {
	return `{"event": "greeting", "data": {"text": "Hello from Go"}}`
}

// snippetTemplates are programs, parsed once.
type snippetTemplates struct {
	programs []snippetProgram
}

type snippetProgram struct {
	name, title string
	code        *template.Template
}

// snippetSource is a program before it is parsed.
type snippetSource struct{ name, title, code string }

func newSnippetTemplates() *snippetTemplates {
	return parseSnippets(
		snippetSource{"curl", "curl", curlSnippet}, snippetSource{"js", "JS", jsSnippet}, snippetSource{"go", "Go", goSnippet},
		snippetSource{"python", "Python", pythonSnippet}, snippetSource{"php", "PHP", phpSnippet},
	)
}

// parseSnippets parses our own texts, so a fault in one is a fault of the program.
func parseSnippets(sources ...snippetSource) *snippetTemplates {
	quoting := template.FuncMap{
		"shell": shellQuote, "quote": strconv.Quote, "raw": goRaw, "php": phpQuote, "js": jsQuote, "dotenv": dotenvQuote,
	}
	set := &snippetTemplates{}
	for _, source := range sources {
		code := template.Must(template.New(source.name).Funcs(quoting).Parse(source.code))
		set.programs = append(set.programs, snippetProgram{source.name, source.title, code})
	}
	return set
}

// Fill writes the programs with the values of one app.
func (s *snippetTemplates) Fill(input any) ([]Snippet, error) {
	var filled []Snippet
	for _, program := range s.programs {
		var code bytes.Buffer
		if err := program.code.Execute(&code, input); err != nil {
			return nil, fmt.Errorf("fill snippet %s: %w", program.name, err)
		}
		filled = append(filled, Snippet{Name: program.name, Title: program.title, Code: code.String()})
	}
	return filled, nil
}

// shellQuote makes one word of a POSIX shell out of any text.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func phpQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// dotenvQuote makes a value of a .env file: in single quotes nothing is expanded, and what they cannot hold goes into double ones.
func dotenvQuote(text string) string {
	if !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`).Replace(text) + `"`
}

func goRaw(text string) string { return "`" + text + "`" }

// jsQuote makes a JS string that is safe inside a script element: json escapes <, > and &.
func jsQuote(text string) (string, error) {
	quoted, err := json.Marshal(text)
	return string(quoted), err
}
