// Package migrations holds the numbered SQL that makes the database what the binary expects: forward only, one set for both
// stores. It does not run anything: package tenant does, with goose. Start reading at the first *.sql.
package migrations

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Postgres returns the files as they are written.
func Postgres() fs.FS { return files }

// SQLite returns the files with the few words that SQLite's STRICT tables call otherwise. The conventions that keep the rest
// alike: times are Unix milliseconds (0: never), booleans are smallint, JSON and ids are text.
func SQLite() fs.FS {
	return translated{words: strings.NewReplacer(
		" bigint", " integer",
		" smallint", " integer",
		" bytea", " blob",
		"\n);", "\n) STRICT;",
	)}
}

// translated is the embedded folder with words replaced in each file.
type translated struct{ words *strings.Replacer }

// Open opens the folder, or a file with its words replaced.
func (t translated) Open(name string) (fs.File, error) {
	opened, err := files.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return opened, err
	}
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{File: opened, Reader: strings.NewReader(t.words.Replace(string(bytes.TrimSpace(text))) + "\n")}, nil
}

// file reads the translated text and is the embedded file for the rest.
type file struct {
	fs.File
	*strings.Reader
}

// Read reads the translated text.
func (f *file) Read(p []byte) (int, error) { return f.Reader.Read(p) }
