package test

import (
	"fmt"
	"go/ast"
	"slices"
)

// pure are the packages whose every result follows from their arguments alone: so each copy of a slot comes to the same state, and what a
// client sent is read the same however it came.
var pure = []string{"pushnode/coding", "pushnode/channel", "pushnode/slot", "pushnode/host", "pushnode/session/frame", "pushnode/pusher"}

// seeded are pure packages that draw from a source which they are given a seed for.
var seeded = []string{"pushnode/host"}

// single are the packages that leave concurrency to their callers.
var single = []string{
	"auth", "pushnode/wire", "pushnode/coding", "pushnode/channel", "pushnode/slot", "pushnode/host", "pushnode/session/frame",
	"pushnode/pusher",
}

// impure are the imports by which the outer world would get in.
var impure = []string{"net", "os", "io/fs", "syscall", "crypto/rand", "math/rand"}

// clock are the names of package time that read or wait for the clock; durations and times as values are free.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// purityRules keep I/O, clocks, chance and goroutines out of the packages that must do without.
func purityRules() []rule {
	return []rule{
		{
			name: "pure packages do no I/O and take no chances",
			check: eachImport(func(s source, imported string) error {
				if imported == "math/rand/v2" && belowAny(s.folder(), seeded) || imported == "net/url" { // no I/O, for all its place
					return nil
				}
				if belowAny(s.folder(), pure) && !s.isTest() && belowAny(imported, impure) {
					return fmt.Errorf("the package is pure")
				}
				return nil
			}),
			bad: map[string]string{
				"pushnode/channel/a.go": `package channel; import "net/http"`,
				"pushnode/slot/a.go":    `package slot; import "os"`,
				"pushnode/slot/b.go":    `package slot; import "math/rand/v2"`,
				"pushnode/host/a.go":    `package host; import "crypto/rand"`,
			},
			good: map[string]string{
				"pushnode/channel/a.go":   `package channel; import "time"`,
				"pushnode/pusher/a.go":    `package pusher; import "net/url"`,
				"pushnode/slot/a_test.go": `package slot; import "os"`,
				"pushnode/host/a.go":      `package host; import "math/rand/v2"`,
				"pushnode/wire/a.go":      `package wire; import "net/netip"`,
			},
		},
		{
			name: "pure packages read no clock",
			check: eachNode(func(s source, node ast.Node) string {
				selector, ok := node.(*ast.SelectorExpr)
				if !ok || !belowAny(s.folder(), pure) || s.isTest() {
					return ""
				}
				if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, selector.Sel.Name) {
					return "time." + selector.Sel.Name + ": now is an argument here"
				}
				return ""
			}),
			bad: map[string]string{
				"pushnode/channel/a.go": "package channel\nimport \"time\"\nvar now = time.Now()",
				"pushnode/slot/a.go":    "package slot\nimport \"time\"\nfunc f() { <-time.After(time.Second) }",
				"pushnode/slot/b.go":    "package slot\nimport \"time\"\nvar clock = time.Now",
			},
			good: map[string]string{
				"pushnode/channel/a.go":      "package channel\nimport \"time\"\nconst age = 2 * time.Minute",
				"pushnode/channel/a_test.go": "package channel\nimport \"time\"\nvar now = time.Now()",
			},
		},
		{
			name: "some packages start no goroutine",
			check: eachNode(func(s source, node ast.Node) string {
				if _, ok := node.(*ast.GoStmt); ok && belowAny(s.folder(), single) && !s.isTest() {
					return "a go statement: the caller decides what runs beside what"
				}
				return ""
			}),
			bad:  map[string]string{"auth/a.go": "package auth\nfunc f() { go f() }"},
			good: map[string]string{"tenant/a.go": "package tenant\nfunc f() { go f() }"},
		},
	}
}

// eachNode makes a check of one node of a syntax tree one of all files.
func eachNode(check func(s source, node ast.Node) string) func([]source) []string {
	return func(all []source) []string {
		var offences []string
		for _, s := range all {
			ast.Inspect(s.syntax, func(node ast.Node) bool {
				if node == nil {
					return false
				}
				if offence := check(s, node); offence != "" {
					offences = append(offences, s.at(node)+": "+offence)
				}
				return true
			})
		}
		return offences
	}
}
