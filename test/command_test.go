package test

import (
	"path/filepath"
	"strings"
	"testing"
)

// Exit code 2 is for a command line that is wrong, 1 for a command that failed; the reason stands on standard error.
func TestExitCodes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing", "file.pem")
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", t.TempDir()}
	for name, test := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"help":            {[]string{"--help"}, 0, ""},
		"version":         {[]string{"version"}, 0, ""},
		"unknown command": {[]string{"fly"}, 2, "fly"},
		"unknown flag":    {[]string{"serve", "--fly"}, 2, "--fly"},
		"no command":      {nil, 2, "serve"},
		"missing file":    {append(serve, "--tls-cert", missing, "--tls-key", missing), 1, missing},
		"bad database":    {[]string{"migrate", "--database", "postgres://nobody@127.0.0.1:1/none"}, 1, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := halley(t, test.arguments...)
			if code != test.code || !strings.Contains(stderr, test.says) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, test.code, stdout, stderr)
			}
		})
	}
}

// -h of each command is a full reference on standard output.
func TestEachCommandHasHelp(t *testing.T) {
	for _, command := range []string{"serve", "migrate", "admin", "admin create-app", "publish", "subscribe", "token", "verify", "version"} {
		stdout, stderr, code := halley(t, append(strings.Fields(command), "-h")...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "Usage: halley "+command) {
			t.Errorf("halley %s -h: exit code %d\nstdout: %s\nstderr: %s", command, code, stdout, stderr)
		}
	}
}

// Two nodes on one embedded store would each think that they are alone.
func TestSecondNodeOnADataFolderIsRefused(t *testing.T) {
	store := []string{"--data-dir", filepath.Join(t.TempDir(), "data")}
	first := startNodeOn(t, store)
	arguments := append([]string{"serve", "--listen", freeAddress(t), "--admin-listen", freeAddress(t)}, store...)
	if _, stderr, code := halley(t, arguments...); code != 1 || !strings.Contains(stderr, store[1]) {
		t.Errorf("the second node: exit code %d\n%s", code, stderr)
	}
	chat := first.createApp("acme", "chat")
	mustPublish(t, first, chat, `{"data":"the first one goes on"}`)
}
