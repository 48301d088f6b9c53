package test

import (
	"fmt"
	"slices"
	"strings"
)

// levels orders the packages: one may import only what stands further down, and what its line allows beside that.
var levels = []struct {
	packages []string
	beside   map[string][]string // packages of the same level that some of them may import
}{
	{packages: []string{"cmd/halley", "cmd/halley/edge"}, beside: map[string][]string{"cmd/halley": {"cmd/halley/edge"}}},
	{packages: []string{"pushnode", "console", "cmd/halley/foreign"}},
	{packages: []string{"pushnode/host"}},
	{packages: []string{"pushnode/session", "pushnode/slot", "pushnode/cluster", "pushnode/webhook", "tenant"}},
	{packages: []string{"pushnode/session/frame", "pushnode/wire", "pushnode/channel", "auth", "pushnode/cluster/link", "pushnode/cluster/trust", "pushnode/netpoll"},
		beside: map[string][]string{
			"pushnode/session/frame": {"pushnode/wire"},
			"pushnode/wire":          {"pushnode/channel", "auth"},
			"pushnode/cluster/link":  {"pushnode/cluster/trust"},
		}},
	// What drives a node or a cluster from the outside knows nothing of its inside.
	{packages: []string{"cmd/halley/verify", "cmd/halley/bench"}},
	{packages: []string{"pushnode/coding", "pushnode/hot", "pushnode/http1", "pushnode/pressure", "pushnode/pusher", "pushnode/sockjs"}},
	{packages: []string{"migrations", "web", "cmd/halley/verify/history", "cmd/halley/child", "pushnode/crew", "pushnode/prefetch"}},
}

// owners lists what only some packages may import. Tests are bound as well, unless tests says otherwise.
var owners = []struct {
	imported string // an import path, or the beginning of several
	by       []string
	tests    bool // tests of every package may import it too
}{
	{imported: "github.com/golang-jwt/jwt", by: []string{"auth"}},
	{imported: "database/sql", by: []string{"tenant"}},
	{imported: "github.com/jackc/pgx", by: []string{"tenant", "test/postgres"}},
	{imported: "modernc.org/sqlite", by: []string{"tenant"}},
	{imported: "github.com/pressly/goose", by: []string{"tenant"}},
	{imported: "halley/migrations", by: []string{"tenant"}},
	{imported: "go.etcd.io/raft", by: []string{"pushnode/slot"}},
	{imported: "github.com/hashicorp/memberlist", by: []string{"pushnode/cluster/gossip.go"}, tests: false},
	{imported: "github.com/coder/websocket", by: []string{"pushnode/session", "cmd/halley"}, tests: true},
	{imported: "github.com/alecthomas/kong", by: []string{"cmd/halley"}},
	{imported: "github.com/chromedp", tests: true},
	{imported: "github.com/getkin/kin-openapi", tests: true},
	{imported: "pgregory.net/rapid", tests: true},
	{imported: "testing", tests: true},
	{imported: "halley/test", tests: true},
}

// importRules hold the order of the packages.
func importRules() []rule {
	return []rule{
		{
			name:  "packages import only from a level below",
			check: eachImport(checkOrder),
			bad: map[string]string{
				"auth/a.go":              `package auth; import "halley/tenant"`,
				"pushnode/channel/a.go":  `package channel; import "halley/auth"`,
				"pushnode/session/a.go":  `package session; import "halley/pushnode/slot"`,
				"console/a.go":           `package console; import "halley/pushnode"`,
				"pushnode/newcomer/a.go": `package newcomer; import "fmt"`,
				"web/a.go":               `package web; import "halley/auth"`,
				"tenant/a_test.go":       `package tenant_test; import "halley/console"`,
				"test/a_test.go":         `package test; import "halley/pushnode"`,
				"test/b_test.go":         `package test; import "halley/cmd/halley/bench"`,
			},
			good: map[string]string{
				"pushnode/wire/a.go":      `package wire; import ("halley/auth"; "halley/pushnode/channel")`,
				"console/a.go":            `package console; import ("halley/web"; "halley/tenant")`,
				"cmd/halley/a.go":         `package main; import ("halley/cmd/halley/edge"; "halley/pushnode")`,
				"pushnode/wire/a_test.go": `package wire_test; import ("halley/pushnode/wire"; "halley/test/leak")`,
				"test/a_test.go":          `package test; import "halley/pushnode/wire"`,
				"test/postgres/a.go":      `package postgres; import "halley/test/debian"`,
				"test/bench/a.go":         `package main; import "halley/cmd/halley/bench"`,
			},
		},
		{
			name:  "some imports belong to one package",
			check: eachImport(checkOwner),
			bad: map[string]string{
				"console/a.go":             `package console; import "github.com/golang-jwt/jwt/v5"`,
				"cmd/halley/a.go":          `package main; import "database/sql"`,
				"migrations/a.go":          `package migrations; import "github.com/pressly/goose/v3"`,
				"pushnode/a_test.go":       `package pushnode_test; import "github.com/jackc/pgx/v5"`,
				"pushnode/a.go":            `package pushnode; import "go.etcd.io/raft/v3/raftpb"`,
				"pushnode/cluster/link.go": `package cluster; import "github.com/hashicorp/memberlist"`,
				"pushnode/wire/a.go":       `package wire; import "github.com/coder/websocket"`,
				"auth/a.go":                `package auth; import "halley/test/leak"`,
				"tenant/a.go":              `package tenant; import "testing"`,
			},
			good: map[string]string{
				"pushnode/a_test.go":         `package pushnode_test; import ("github.com/coder/websocket"; "halley/test/leak")`,
				"tenant/a.go":                `package tenant; import ("github.com/jackc/pgx/v5/pgxpool"; "halley/migrations")`,
				"pushnode/cluster/gossip.go": `package cluster; import "github.com/hashicorp/memberlist"`,
				"tenant/a_test.go":           `package tenant; import "testing/synctest"`,
			},
		},
	}
}

// eachImport makes a check of one import one of all files.
func eachImport(check func(s source, imported string) error) func([]source) []string {
	return func(all []source) []string {
		var offences []string
		for _, s := range all {
			for _, imported := range s.imports {
				if err := check(s, imported); err != nil {
					offences = append(offences, fmt.Sprintf("%s imports %s: %v", s.path, imported, err))
				}
			}
		}
		return offences
	}
}

// checkOrder holds the order of levels.
func checkOrder(s source, imported string) error {
	from := s.folder()
	target, ours := strings.CutPrefix(imported, "halley/")
	switch {
	case below(from, "test"):
		// What sets servers side by side needs the generator for all of them.
		generator := from == "test/bench" && target == "cmd/halley/bench"
		if ours && !below(target, "test") && target != "pushnode/wire" && !generator {
			return fmt.Errorf("tests of the whole know only the binary and its wire format")
		}
		return nil
	case level(from) < 0:
		return fmt.Errorf("package %s has no level: give it one here and in the layout", from)
	case !ours || below(target, "test") || s.isTest() && target == from:
		return nil
	case level(target) > level(from) || slices.Contains(levels[level(from)].beside[from], target):
		return nil
	}
	return fmt.Errorf("it stands on the same level or above")
}

// level returns the place of a package in levels, -1 if it has none.
func level(folder string) int {
	for i, l := range levels {
		if slices.Contains(l.packages, folder) {
			return i
		}
	}
	return -1
}

// checkOwner holds the table of owners.
func checkOwner(s source, imported string) error {
	for _, o := range owners {
		if !below(imported, o.imported) || o.tests && s.isTest() || belowAny(s.path, o.by) {
			continue
		}
		return fmt.Errorf("only %s may", strings.Join(slices.Concat(o.by, map[bool][]string{true: {"tests"}}[o.tests]), " and "))
	}
	return nil
}
