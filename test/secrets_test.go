package test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode"
)

// secretWords are the words in a name that make its value one that an attacker would like to guess byte by byte.
var secretWords = []string{"secret", "secrets", "hash", "mac", "hmac", "sig", "signature", "token", "password", "digest", "otp"}

// equalities are the functions that compare as == does, in a time that tells how far two values agree.
var equalities = []string{
	"bytes.Equal", "bytes.Compare", "slices.Equal", "strings.EqualFold", "strings.Compare", "reflect.DeepEqual", "cmp.Compare",
}

// plainCompares lists the comparisons that look like those of secrets and are none, with the reason.
var plainCompares = map[string]string{}

// secretRules keep comparisons of secrets in constant time.
func secretRules() []rule {
	return []rule{{
		name:  "secrets are compared in constant time",
		check: checkCompares,
		bad: map[string]string{
			"auth/a.go":     "package auth\nfunc f(hash, want string) bool { return hash == want }",
			"auth/b.go":     "package auth\nimport \"bytes\"\nfunc f(given, stored []byte) bool { return bytes.Equal(given, k.secretHash) }",
			"console/a.go":  "package console\nfunc f(u user, b [32]byte) bool { return b != u.resetToken }",
			"tenant/a.go":   "package tenant\nfunc f(k key, b []byte) bool { return string(k.MAC[:]) == string(b) }",
			"pushnode/a.go": "package pushnode\nfunc f(given string) bool { return given == k.signature() }",
		},
		good: map[string]string{
			"auth/a.go":      "package auth\nfunc f(token string) bool { return token == \"\" || token != \"-\" }",
			"auth/b.go":      "package auth\nfunc f(hash []byte) bool { return hash == nil || len(hash) == n }",
			"auth/c.go":      "package auth\nconst opToken = 1\nfunc f(op int) bool { return op == opToken }",
			"auth/d.go":      "package auth\nfunc f(err error) bool { return err == ErrToken }",
			"auth/e.go":      "package auth\nfunc f(mac, b []byte) bool { return subtle.ConstantTimeCompare(mac, b) == 1 }",
			"auth/f.go":      "package auth\nfunc f(machine, b string) bool { return machine == b }",
			"auth/a_test.go": "package auth\nfunc f(hash, want string) bool { return hash == want }",
		},
	}}
}

// checkCompares finds comparisons of what is named like a secret with something that is no constant.
func checkCompares(all []source) []string {
	constants := map[string]bool{"nil": true, "true": true, "false": true}
	for _, s := range all {
		addConstants(s, constants)
	}
	return eachNode(func(s source, node ast.Node) string {
		left, right := operands(node)
		if left == nil || s.isTest() || constant(left, constants) || constant(right, constants) || !secret(left) && !secret(right) {
			return ""
		}
		place := fmt.Sprintf("%s: %s, %s", s.path, types.ExprString(left), types.ExprString(right))
		if plainCompares[place] != "" {
			return ""
		}
		return "a secret compared in a telling time: use crypto/subtle, or give the reason in plainCompares for " + place
	})(all)
}

// operands returns what a node compares, nil if it compares nothing.
func operands(node ast.Node) (left, right ast.Expr) {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return n.X, n.Y
		}
	case *ast.CallExpr:
		if len(n.Args) == 2 && slices.Contains(equalities, types.ExprString(n.Fun)) {
			return n.Args[0], n.Args[1]
		}
	}
	return nil, nil
}

// constant reports whether the value of an expression is known to every reader of the source, or is only a length.
func constant(e ast.Expr, constants map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return constants[e.Name] || strings.HasPrefix(e.Name, "Err") || strings.HasPrefix(e.Name, "err")
	case *ast.SelectorExpr:
		return constant(e.Sel, constants)
	case *ast.CallExpr:
		name := types.ExprString(e.Fun)
		return name == "len" || strings.HasPrefix(name, "subtle.") || len(e.Args) == 1 && constant(e.Args[0], constants)
	}
	return false
}

// secret reports whether an expression is named like a secret.
func secret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return slices.ContainsFunc(words(e.Name), func(word string) bool { return slices.Contains(secretWords, word) })
	case *ast.SelectorExpr:
		return secret(e.Sel)
	case *ast.SliceExpr:
		return secret(e.X)
	case *ast.StarExpr:
		return secret(e.X)
	case *ast.UnaryExpr:
		return secret(e.X)
	case *ast.ParenExpr:
		return secret(e.X)
	case *ast.CallExpr: // a conversion, or a method named after what it returns
		return secret(e.Fun) || slices.ContainsFunc(e.Args, secret)
	}
	return false
}

// words splits a name at its capitals: secretHash and HTTPToken have two words each.
func words(name string) []string {
	var all []string
	letters := []rune(name)
	for start, i := 0, 1; i <= len(letters); i++ {
		end := i == len(letters)
		if end || unicode.IsUpper(letters[i]) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			all = append(all, strings.ToLower(string(letters[start:i])))
			start = i
		}
	}
	return all
}

// addConstants adds the names of the constants that a file declares.
func addConstants(s source, constants map[string]bool) {
	for _, declaration := range s.syntax.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				constants[name.Name] = true
			}
		}
	}
}
