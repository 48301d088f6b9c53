package auth_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretName matches names of values whose comparison must not tell by its time how far they agree.
var secretName = regexp.MustCompile(`^(\w*(?i:secret|hash|mac|signature|password|fingerprint|checksum)|sig|token|\w*Token)$`)

// ownComparison lists the files that may import crypto/subtle.
var ownComparison = map[string]bool{
	"../auth/secret.go":               true, // auth.Equal
	"../pushnode/channel/sessions.go": true, // pure: it imports no package of ours
	"../pushnode/http1/connection.go": true, // below ours likewise
	"../pushnode/pusher/signature.go": true, // likewise
}

// findComparisons reports comparisons of such values that do not go through auth.Equal.
func findComparisons(files *token.FileSet, file *ast.File) []string {
	var found []string
	report := func(node ast.Node, what string) {
		found = append(found, fmt.Sprintf("%s: %s: use auth.Equal", files.Position(node.Pos()), what))
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec:
			if node.Path.Value == `"crypto/subtle"` && !ownComparison[filepath.ToSlash(files.Position(node.Pos()).Filename)] {
				report(node, "imports crypto/subtle")
			}
		case *ast.BinaryExpr:
			telling := isSecret(node.X) && !isPlain(node.Y) || isSecret(node.Y) && !isPlain(node.X)
			if telling && (node.Op == token.EQL || node.Op == token.NEQ) {
				report(node, "compares by "+node.Op.String())
			}
		case *ast.CallExpr:
			name := calledName(node)
			if name == "hmac.Equal" || name == "bytes.Equal" && (isSecret(node.Args[0]) || isSecret(node.Args[1])) {
				report(node, "compares by "+name)
			}
		}
		return true
	})
	return found
}

// isSecret looks at the last name of an expression: key.Hash, hash[:], string(hash).
func isSecret(expression ast.Expr) bool {
	switch expression := expression.(type) {
	case *ast.Ident:
		enumerated := strings.HasPrefix(expression.Name, "Kind") // KindSecret
		return secretName.MatchString(expression.Name) && !enumerated
	case *ast.SelectorExpr:
		return isSecret(expression.Sel)
	case *ast.SliceExpr:
		return isSecret(expression.X)
	case *ast.ParenExpr:
		return isSecret(expression.X)
	case *ast.CallExpr:
		return len(expression.Args) == 1 && calledName(expression) == "string" && isSecret(expression.Args[0])
	}
	return false
}

// isPlain holds for what gives nothing away, whatever it is compared with: literals, nil, zero values and lengths.
func isPlain(expression ast.Expr) bool {
	switch expression := expression.(type) {
	case *ast.BasicLit, *ast.CompositeLit:
		return true
	case *ast.Ident:
		return expression.Name == "nil"
	case *ast.CallExpr:
		return calledName(expression) == "len"
	}
	return false
}

func calledName(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if owner, ok := function.X.(*ast.Ident); ok {
			return owner.Name + "." + function.Sel.Name
		}
	}
	return ""
}

// TestSecretsAreComparedInOnePlace walks all code of the module but its tests.
func TestSecretsAreComparedInOnePlace(t *testing.T) {
	t.Parallel()
	files, walked := token.NewFileSet(), 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		walked++
		for _, found := range findComparisons(files, file) {
			t.Error(found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if walked < 10 {
		t.Errorf("%d files were walked, so the walk is broken", walked)
	}
}

// TestComparisonsAreFound shows the walk what it must find and what it must leave alone.
func TestComparisonsAreFound(t *testing.T) {
	t.Parallel()
	const source = `package p
import "crypto/subtle"
func f() {
	_ = stored.Hash == given
	_ = given != passwordHash
	_ = bytes.Equal(mac, other)
	_ = bytes.Equal(other[:], session.SecretHash[:])
	_ = string(signature) == text
	_ = hmac.Equal(a, b)
	_ = hash == nil || token == "" || secret != [32]byte{}
	_ = len(sum) != sizeOfHash || len(sum) == argonHash || kind == auth.KindSecret
	_ = bytes.Equal(data, other) || name == other || len(hash) == size || hashes == count
}`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := findComparisons(files, file)
	if len(found) != 7 {
		t.Errorf("found %d, want 7: the import and the first six lines:\n%s", len(found), strings.Join(found, "\n"))
	}
}
