package test

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"
)

// maxLines is the length that no Go file exceeds; most keep to about a fifth of it.
const maxLines = 600

// shelves are package names that say where code was put and not what it does.
var shelves = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "base", "shared", "lib"}

// conventionRules hold the small things.
func conventionRules() []rule {
	return []rule{
		{
			name:  "no file is longer than 600 lines",
			check: checkLength,
			bad:   map[string]string{"auth/a.go": "package auth\n" + strings.Repeat("\n", maxLines)},
			good:  map[string]string{"auth/a.go": "package auth\n" + strings.Repeat("\n", maxLines-1)},
		},
		{
			name:  "packages are named after what they do",
			check: checkPackageName,
			bad:   map[string]string{"auth/util/a.go": "package util", "auth/a.go": "package common"},
			good:  map[string]string{"auth/a.go": "package auth", "auth/a_test.go": "package auth_test"},
		},
		{
			name:  "packages say what they are for",
			check: checkPackageDoc,
			bad: map[string]string{
				"auth/a.go":       "package auth",
				"tenant/a.go":     "// Copyright\n\npackage tenant",
				"web/a.go":        "// Templates and more.\npackage web",
				"cmd/halley/a.go": "// Package main is it.\npackage main",
			},
			good: map[string]string{
				"auth/a.go":       "// Package auth decides.\npackage auth",
				"cmd/halley/a.go": "// Halley runs.\npackage main",
				"test/bench/a.go": "// Command bench runs.\npackage main",
			},
		},
		{
			name: "tests wait for something, not for a while",
			check: eachNode(func(s source, node ast.Node) string {
				call, ok := node.(*ast.CallExpr)
				if !ok || !s.isTest() || types.ExprString(call.Fun) != "time.Sleep" || slices.Contains(s.imports, "testing/synctest") {
					return "" // in a bubble of synctest, to sleep is to move the clock
				}
				return "time.Sleep: use testing/synctest, a signal, or a poll with a deadline"
			}),
			bad: map[string]string{"auth/a_test.go": "package auth\nfunc f() { time.Sleep(1) }"},
			good: map[string]string{
				"auth/a_test.go": "package auth\nfunc f() { <-time.After(1) }",
				"auth/b_test.go": "package auth\nimport \"testing/synctest\"\nfunc f() { time.Sleep(1) }",
			},
		},
		{
			name:  "no test is skipped",
			check: checkSkips,
			bad: map[string]string{
				"auth/a_test.go":     "package auth\nfunc TestA(t *testing.T) { t.Skip() }",
				"auth/b_test.go":     "package auth\nfunc TestA(t *testing.T) { t.Run(\"\", func(u *testing.T) { u.Skipf(\"\") }) }",
				"test/postgres/a.go": "package postgres\nfunc URL(tb testing.TB) { tb.SkipNow() }",
				"auth/c_test.go":     "package auth\nfunc TestA(t *testing.T) { if testing.Short() { return } }",
			},
			good: map[string]string{
				// For rapid, to skip is to say that a step is not possible in this state.
				"auth/a_test.go": "package auth\nfunc TestA(t *testing.T) { rapid.Check(t, func(t *rapid.T) { t.Skip() }) }",
				"auth/b_test.go": "package auth\nfunc f(d *jsontext.Decoder) { d.Skip() }",
			},
		},
		{
			name:  "packages with goroutines look for leaks",
			check: checkLeaks,
			bad: map[string]string{
				"tenant/a.go":  "package tenant\nfunc f() { go f() }",
				"console/a.go": "package console\nfunc f(w *sync.WaitGroup) { w.Go(f) }",
			},
			good: map[string]string{
				"tenant/a.go":       "package tenant\nfunc f() { f() }",
				"tenant/a_test.go":  "package tenant\nfunc f() { go f() }",
				"console/a_test.go": "package console\nfunc TestMain(m *testing.M) { leak.Main(m) }\nfunc f() { go f() }",
			},
		},
		{
			name:  "nothing is left to do",
			check: checkPromises,
			bad:   map[string]string{"auth/a.go": "package auth\n\n// TO" + "DO: write it."},
			good:  map[string]string{"auth/a.go": "package auth\n\n// It is done."},
		},
	}
}

func checkLength(all []source) []string {
	var offences []string
	for _, s := range all {
		if s.lines > maxLines {
			offences = append(offences, fmt.Sprintf("%s has %d lines", s.path, s.lines))
		}
	}
	return offences
}

func checkPackageName(all []source) []string {
	var offences []string
	for _, s := range all {
		for _, name := range []string{strings.TrimSuffix(s.syntax.Name.Name, "_test"), path.Base(s.folder())} {
			if slices.Contains(shelves, name) {
				offences = append(offences, fmt.Sprintf("%s: %s is a shelf, not a duty", s.path, name))
			}
		}
	}
	return offences
}

// checkPackageDoc wants one comment per folder that begins with the package's name, external tests aside.
func checkPackageDoc(all []source) []string {
	documented := map[string]bool{}
	for _, s := range all {
		name := s.syntax.Name.Name
		if strings.HasSuffix(name, "_test") {
			continue
		}
		starts := []string{"Package " + name + " "}
		if command := path.Base(s.folder()); name == "main" {
			starts = []string{"Command " + command + " ", strings.ToUpper(command[:1]) + command[1:] + " "}
		}
		begins := func(start string) bool { return strings.HasPrefix(s.syntax.Doc.Text(), start) }
		documented[s.folder()] = documented[s.folder()] || slices.ContainsFunc(starts, begins)
	}
	var offences []string
	for folder, has := range documented {
		if !has {
			offences = append(offences, folder+": no package comment")
		}
	}
	return offences
}

// checkSkips finds calls of Skip, Skipf and SkipNow on package testing's types, told by the parameters of the enclosing functions.
func checkSkips(all []source) []string {
	var offences []string
	for _, s := range all {
		runners := map[string]bool{} // by name, whether the innermost parameter so named is one of package testing
		ast.Inspect(s.syntax, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncType:
				for _, parameter := range n.Params.List {
					for _, name := range parameter.Names {
						runners[name.Name] = strings.Contains(types.ExprString(parameter.Type), "testing.")
					}
				}
			case *ast.CallExpr:
				if called := types.ExprString(n.Fun); called == "testing.Short" || skips(n.Fun, runners) {
					offences = append(offences, s.at(n)+": "+called+": a test runs or fails")
				}
			}
			return true
		})
	}
	return offences
}

// skips reports whether a function is one that skips a test.
func skips(called ast.Expr, runners map[string]bool) bool {
	selector, ok := called.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	receiver, ok := selector.X.(*ast.Ident)
	return ok && runners[receiver.Name] && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name)
}

// checkLeaks wants a TestMain that calls the leak check in each package whose own code starts goroutines.
func checkLeaks(all []source) []string {
	starts, guarded := map[string]bool{}, map[string]bool{}
	eachNode(func(s source, node ast.Node) string {
		switch n := node.(type) {
		case *ast.GoStmt:
			starts[s.folder()] = starts[s.folder()] || !s.isTest()
		case *ast.CallExpr:
			if selector, ok := n.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Go" {
				starts[s.folder()] = starts[s.folder()] || !s.isTest()
			}
			called := types.ExprString(n.Fun)
			guarded[s.folder()] = guarded[s.folder()] || called == "leak.Main" || called == "leak.Run"
		}
		return ""
	})(all)
	var offences []string
	for folder, does := range starts {
		if does && !guarded[folder] {
			offences = append(offences, folder+": no TestMain with leak.Main")
		}
	}
	return offences
}

func checkPromises(all []source) []string {
	var offences []string
	for _, s := range all {
		for _, group := range s.syntax.Comments {
			for _, mark := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"} {
				if strings.Contains(group.Text(), mark) {
					offences = append(offences, s.at(group)+": "+mark)
				}
			}
		}
	}
	return offences
}
