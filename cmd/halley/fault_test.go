package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaultsAreOneLine wants of each fault one line that says what is wrong; after a usage error one more names the help.
func TestFaultsAreOneLine(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_sk_x")
	folder := t.TempDir()
	if made := execute("migrate", "--data-dir", folder, "--log-level", "error"); made.code != exitOK {
		t.Fatalf("migrate: %+v", made)
	}
	const port, noApp = "want a number up to 65535\n", "halley: app app_none: not found\n"
	here := " --data-dir " + folder
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"admin list-apps --database postgres://u:p@localhost:1/x" + here:                           {exitFailure, "database unavailable"},
		"admin set-limit --app app_none connections=1" + here:                                      {exitFailure, noApp},
		"admin set-pusher --app app_none --enabled" + here:                                         {exitFailure, noApp},
		"admin add-webhook --app app_none https://example.com" + here:                              {exitFailure, noApp},
		"admin set-rule --app app_none --prefix a" + here:                                          {exitFailure, noApp},
		"serve --listen 127.0.0.1:99999":                                                           {exitUsage, `port "99999": ` + port},
		"serve --listen 127.0.0.1:http":                                                            {exitUsage, `port "http": ` + port},
		"serve --pusher":                                                                           {exitUsage, "unknown flag --pusher\n"},
		"serve --role push":                                                                        {exitUsage, "unknown flag --role"},
		"serve --join 10.0.0.1":                                                                    {exitUsage, "a cluster needs Postgres"},
		"serve --cluster-listen localhost:7946 --database postgres://h/d":                          {exitUsage, "--cluster-listen: want an IP address and a port"},
		"admin create-app --account a --app b --email c@d.example --pusher-credentials 1:k" + here: {exitUsage, "as id:key:secret\n"},
		"admin import-pusher --account a --email c@d.example" + here:                               {exitUsage, "SOKETI_DEFAULT_APP_ID"},
		"publish news notjson":                                                                     {exitUsage, "DATA is not JSON"},
		"publish news -":                                                                           {exitUsage, "it is empty"},
		"publish news ":                                                                            {exitUsage, "text): it is empty\n"},
	} {
		got := execute(strings.Split(line, " ")...)
		reason, help, _ := strings.Cut(got.stderr, "\n")
		if got.code != want.code || !strings.Contains(reason+"\n", want.says) || got.stdout != "" {
			t.Errorf("%s: exit code %d, %q, want %d that says %q", line, got.code, got.stderr, want.code, want.says)
		}
		isHelp := strings.HasPrefix(help, "Run \"halley ") && strings.Count(help, "\n") == 1
		if help != "" && (want.code != exitUsage || !isHelp) {
			t.Errorf("%s: more than one line: %q", line, got.stderr)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                                 "plain",
		"tried `x`:\n\ta: no\n\ta: no\n\tb: no": "tried `x`: a: no; b: no",
		"first\nsecond\n":                       "first; second",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestAdminMakesNoDatabase wants commands that look at what is there to make nothing where nothing is.
func TestAdminMakesNoDatabase(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"list-apps", "set-limit --app app_1 connections=1", "set-rule --app app_1 --prefix a"} {
		folder := filepath.Join(t.TempDir(), "typo")
		got := execute(append([]string{"admin", "--data-dir", folder}, strings.Fields(command)...)...)
		want := "halley: there is no database in " + folder + ": "
		if got.code != exitFailure || !strings.HasPrefix(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want %q", command, got, want)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s made %s", command, folder)
		}
	}
	folder := filepath.Join(t.TempDir(), "new")
	arguments := []string{"admin", "create-app", "--data-dir", folder, "--account", "a", "--app", "b", "--email", "c@d.example"}
	if got := execute(arguments...); got.code != exitOK {
		t.Errorf("create-app: %+v", got)
	}
	if got := execute("admin", "list-apps", "--data-dir", folder); got.code != exitOK || !strings.Contains(got.stdout, `"app":"b"`) {
		t.Errorf("list-apps: %+v", got)
	}
}
