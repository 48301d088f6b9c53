package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"halley/test/npm"
)

// pusherFolder holds Pusher's libraries, as they are published, and the scenarios that they go through.
const pusherFolder = "pusher"

// scenarioPatience bounds one scenario. Its own waits are shorter, and say what they waited for.
const scenarioPatience = 180 * time.Second

// pusherSettings are what scenarios know: the nodes and the app's credentials.
type pusherSettings struct {
	Nodes []pusherNode      `json:"nodes"`
	App   pusherApp         `json:"app"`
	Guide map[string]string `json:"guide,omitempty"` // code by the heading above it

	Transports []string `json:"transports,omitempty"` // of pusher-js; none: WebSocket

	halleyID string // of the app
}

type pusherNode struct {
	Host string `json:"host"`
	Port int    `json:"port"`
}

// pusherApp is what Pusher's libraries are configured with.
type pusherApp struct {
	ID     string `json:"app_id"`
	Key    string `json:"key"`
	Secret string `json:"secret"`
}

// TestPusherLibraries has pusher-js, laravel-echo and pusher-http-node go through each scenario, in Node.js, against one node.
func TestPusherLibraries(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	settings := pusherOn(t, n)
	for _, file := range scenarios(t, "scenarios") {
		t.Run(scenarioName(file), func(t *testing.T) { play(t, file, settings, nil) })
	}
}

// scenarios are the files of a folder, from that of the libraries on.
func scenarios(tb testing.TB, folder string) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(pusherFolder, folder, "*.mjs"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no scenarios: %v", err)
	}
	for i, file := range files {
		if files[i], err = filepath.Rel(pusherFolder, file); err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

// scenarioName is what a scenario is about.
func scenarioName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".mjs") }

// pusherOn makes an app that Pusher's libraries reach with client events and counts of subscriptions, and tells of the nodes.
func pusherOn(tb testing.TB, nodes ...*node) pusherSettings {
	tb.Helper()
	settings := pusherSettings{App: pusherApp{ID: "1234567", Key: "key-of-the-libraries", Secret: "secret-of-the-libraries"}}
	settings.halleyID = nodes[0].importPusher(settings.App)
	for _, n := range nodes {
		settings.Nodes = append(settings.Nodes, pusherNodeAt(tb, n.url))
	}
	return settings
}

// importPusher brings an app in, with its credentials, as soketi keeps it. It returns the app's id.
func (n *node) importPusher(app pusherApp) string {
	n.tb.Helper()
	file := filepath.Join(n.tb.TempDir(), "apps.json")
	text := fmt.Sprintf(`[{"id":%q,"key":%q,"secret":%q,"enableClientMessages":true,"maxEventPayloadInKb":10}]`, app.ID, app.Key, app.Secret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		n.tb.Fatal(err)
	}
	printed := n.admin("import-pusher", file, "--account", "acme", "--email", "owner@acme.example")
	var imported struct {
		Apps []struct {
			ID string `json:"app_id"`
		} `json:"apps"`
	}
	if err := json.Unmarshal([]byte(printed), &imported); err != nil || len(imported.Apps) != 1 {
		n.tb.Fatalf("import-pusher printed %s: %v", printed, err)
	}
	n.admin("set-pusher", "--app", imported.Apps[0].ID, "--subscription-counts")
	return imported.Apps[0].ID
}

func pusherNodeAt(tb testing.TB, address string) pusherNode {
	tb.Helper()
	at, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		tb.Fatal(err)
	}
	return pusherNode{Host: at.Hostname(), Port: port}
}

// play runs one scenario. What it asks for, by its words, answer does; its result goes back.
func play(tb testing.TB, file string, settings pusherSettings, answer func(question []any) any) {
	tb.Helper()
	cmd, stderr := pusherCommand(tb, settings, "run.mjs", file)
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		tb.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	converse(tb, stdout, stdin, answer)
	if err := cmd.Wait(); err != nil {
		tb.Errorf("%v\n%s", err, stderr)
	}
}

// converse answers what the scenario asks, a line of JSON each, until it ends.
func converse(tb testing.TB, questions io.Reader, answers io.Writer, answer func([]any) any) {
	tb.Helper()
	lines := bufio.NewScanner(questions)
	for lines.Scan() {
		var question []any
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil || answer == nil {
			tb.Logf("the scenario says: %s", lines.Text())
			continue
		}
		text, err := json.Marshal(answer(question))
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := fmt.Fprintf(answers, "%s\n", text); err != nil {
			tb.Fatal(err)
		}
	}
}

// pusherCommand prepares a run of Node.js among the libraries, which ends with the test or when its time is over.
func pusherCommand(tb testing.TB, settings pusherSettings, arguments ...string) (*exec.Cmd, *bytes.Buffer) {
	tb.Helper()
	npm.Install(tb, pusherFolder)
	text, err := json.Marshal(settings)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scenarioPatience)
	tb.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, npm.Node(tb), arguments...)
	cmd.Dir, cmd.WaitDelay = pusherFolder, time.Second
	cmd.Env = append(os.Environ(), "PUSHER_SETTINGS="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd, &stderr
}
