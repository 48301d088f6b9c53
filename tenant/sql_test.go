package tenant_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"halley/migrations"
	"halley/tenant"
)

// tenantTables are the tables that have a column account_id, by what the migrations say.
func tenantTables(t *testing.T) (tenants, others []string) {
	t.Helper()
	names, err := fs.Glob(migrations.Postgres(), "*.sql")
	must(t, err)
	var content []byte
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Postgres(), name)
		must(t, err)
		content = append(content, text...)
	}
	for _, found := range regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`).FindAllStringSubmatch(string(content), -1) {
		if strings.Contains(found[2], "account_id") {
			tenants = append(tenants, found[1])
			if !regexp.MustCompile(`PRIMARY KEY \(account_id|account_id +text PRIMARY KEY`).MatchString(found[2]) {
				t.Errorf("the primary key of %s does not begin with account_id", found[1])
			}
		} else {
			others = append(others, found[1])
		}
	}
	return tenants, others
}

// unscoped lists the statements that serve more than one tenant, each with its reason.
func unscoped() map[string]string {
	return map[string]string{
		"sqlAppsSince":     "the directory learns which apps changed",
		"sqlAppsAfter":     "the directory preloads all apps",
		"sqlAppOfKey":      "a key is found by its id alone: who comes with one has not said more",
		"sqlViewLimits":    "the directory reads apps of all tenants by id; app ids are unique",
		"sqlForgetLedger":  "old spans go for all tenants alike",
		"sqlFindAccount":   "the operator finds an account by name",
		"sqlAccountOfApp":  "the operator finds the account of an app",
		"sqlMemberships":   "a login lists its own accounts",
		"sqlAllApps":       "the operator lists all apps",
		"sqlElsewhere":     "the meter adds up the usage of all apps",
		"sqlViewApps":      "the directory reads apps of all tenants by id; app ids are unique",
		"sqlViewPlans":     "the directory reads apps of all tenants by id; app ids are unique",
		"sqlViewRules":     "the directory reads apps of all tenants by id; app ids are unique",
		"sqlViewKeys":      "the directory reads apps of all tenants by id; app ids are unique",
		"sqlViewTokenKeys": "the directory reads apps of all tenants by id; app ids are unique",
		"sqlAuditUser":     "what a person does to their own user is told in each of their accounts",

		"sqlAppOfPusherKey":    "a key is found by itself: who comes with one has not said more",
		"sqlAppOfPusherNumber": "a number is found by itself: who comes with one has not said more",
		"sqlViewPushers":       "the directory reads apps of all tenants by id; app ids are unique",
		"sqlViewPusherKeys":    "the directory reads apps of all tenants by id; app ids are unique",

		"sqlForeignApps": "another server's table, in another database",

		"sqlSealedTokenKeys":  "the operator seals everything anew",
		"sqlSealedPusherKeys": "the operator seals everything anew",
		"sqlSealedWebhooks":   "the operator seals everything anew",
		"sqlViewWebhooks":     "the directory reads apps of all tenants by id; app ids are unique",
		"sqlForgetDeliveries": "old deliveries go for all tenants alike",
	}
}

// judge says what is wrong with a statement, or nothing. scoped means: account_id is compared with a parameter, or inserted.
func judge(name, statement string, tenants []string) string {
	touches := ""
	for _, table := range tenants {
		if regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE)\s+` + table + `\b`).MatchString(statement) {
			touches = table
		}
	}
	if touches == "" || unscoped()[name] != "" {
		return ""
	}
	compared := regexp.MustCompile(`\baccount_id = \$\d`).MatchString(statement)
	inserted := regexp.MustCompile(`(?s)INSERT INTO \w+ \(\s*account_id\b`).MatchString(statement)
	if compared || inserted {
		return ""
	}
	return fmt.Sprintf("%s touches %s for all tenants", name, touches)
}

func TestEveryStatementNamesItsTenant(t *testing.T) {
	t.Parallel()
	tenants, others := tenantTables(t)
	if len(tenants) < 9 || len(others) < 5 {
		t.Fatalf("tables of tenants %v, others %v: the migrations were misread", tenants, others)
	}
	statements := sqlConstants(t)
	if len(statements) < 60 {
		t.Fatalf("only %d statements were found", len(statements))
	}
	for name, statement := range statements {
		if fault := judge(name, statement, tenants); fault != "" {
			t.Error(fault)
		}
	}
	for name, reason := range unscoped() {
		if _, found := statements[name]; !found && reason != "" {
			t.Errorf("%s is excused and does not exist", name)
		}
	}
	for name, statement := range statements { // append only
		if regexp.MustCompile(`(UPDATE|DELETE FROM)\s+audit_rows`).MatchString(statement) {
			t.Errorf("%s changes the audit log", name)
		}
	}
	for _, planted := range []string{
		`SELECT name FROM apps WHERE app_id = $1`,
		`UPDATE app_keys SET revoked_at = $2 WHERE key_id = $1`,
		`DELETE FROM channel_rules WHERE app_id = $1 AND prefix = $2`,
		`SELECT a.name FROM users u JOIN apps a ON a.created_by = u.user_id`,
		`INSERT INTO app_limits (app_id, limit_name, value) VALUES ($1, $2, $3)`,
		`SELECT account_id FROM apps WHERE app_id = $1`,
	} {
		if judge("planted", planted, tenants) == "" {
			t.Errorf("not caught: %s", planted)
		}
	}
}

// sqlConstants reads the package's string constants whose names begin with sql, with what they are put together from.
func sqlConstants(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]ast.Expr{}
	entries, err := os.ReadDir(".")
	must(t, err)
	files := token.NewFileSet()
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, entry.Name(), nil, 0)
		must(t, err)
		collectConstants(file, values)
		refuseLooseSQL(t, files, file)
	}
	statements := map[string]string{}
	for name, value := range values {
		if strings.HasPrefix(name, "sql") {
			statements[name] = evaluate(value, values)
		}
	}
	return statements
}

func collectConstants(file *ast.File, into map[string]ast.Expr) {
	for _, declared := range file.Decls {
		group, ok := declared.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			for i, value := range constant.Values {
				into[constant.Names[i].Name] = value
			}
		}
	}
}

// refuseLooseSQL demands that statements are constants: one written into a function would escape the test.
func refuseLooseSQL(t *testing.T, files *token.FileSet, file *ast.File) {
	t.Helper()
	statement := regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with)\s`)
	ast.Inspect(file, func(node ast.Node) bool {
		if group, ok := node.(*ast.GenDecl); ok && group.Tok == token.CONST {
			return false
		}
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil && statement.MatchString(text) && strings.Contains(text, "$") {
				t.Errorf("%s: a statement that is not a constant", files.Position(literal.Pos()))
			}
		}
		return true
	})
}

func evaluate(value ast.Expr, constants map[string]ast.Expr) string {
	switch value := value.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(value.Value)
		return text
	case *ast.BinaryExpr:
		return evaluate(value.X, constants) + evaluate(value.Y, constants)
	case *ast.Ident:
		return evaluate(constants[value.Name], constants)
	}
	return ""
}

// dump reads every column of every table.
func dump(t *testing.T, s *tenant.Store) []byte {
	t.Helper()
	tenants, others := tenantTables(t)
	var all []byte
	for _, table := range slices.Concat(tenants, others) {
		rows, err := s.Dump(t.Context(), table)
		must(t, err)
		all = append(all, rows...)
	}
	return all
}
