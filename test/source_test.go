package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// root is the top folder of the repository, seen from this package.
const root = ".."

// source is one Go file of the repository, as the rules see it.
type source struct {
	path    string // from the top folder, with slashes
	imports []string
	lines   int
	files   *token.FileSet
	syntax  *ast.File
}

// folder returns the folder of the file, which is its package's import path below the module's.
func (s source) folder() string { return path.Dir(s.path) }

// isTest reports whether the file belongs to tests: a _test.go file, or one of the packages that only tests import.
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") || below(s.path, "test") }

// at names a place in the file.
func (s source) at(node ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.files.Position(node.Pos()).Line)
}

// parse makes a source of a file's text.
func parse(tb testing.TB, name, text string) source {
	tb.Helper()
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		tb.Fatal(err)
	}
	s := source{path: name, lines: strings.Count(text, "\n"), files: files, syntax: syntax}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			tb.Fatal(err)
		}
		s.imports = append(s.imports, imported)
	}
	return s
}

// sources returns all Go files of the module, those of the top folder aside: it has none of its own.
func sources(tb testing.TB) []source {
	tb.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if outside(entry.Name()) && name != root {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil || filepath.Ext(name) != ".go" || filepath.Dir(relative) == "." {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		all = append(all, parse(tb, filepath.ToSlash(relative), string(text)))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// outside reports whether a folder of that name holds no package of ours.
func outside(name string) bool {
	return strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin" || name == "data"
}

// below reports whether a path is the folder or lies in it.
func below(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

// belowAny reports whether a path lies in one of the folders.
func belowAny(name string, folders []string) bool {
	for _, folder := range folders {
		if below(name, folder) {
			return true
		}
	}
	return false
}
