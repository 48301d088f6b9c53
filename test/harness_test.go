package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"halley/test/selfsigned"
)

// A binary under the race detector on a busy machine is slow to start and to drain, but not that slow.
const (
	startPatience   = 180 * time.Second
	drainPatience   = 30 * time.Second
	commandPatience = 60 * time.Second
)

// node is one process of halley serve with a data folder, or a database, of its own. It ends with its test.
type node struct {
	tb       testing.TB
	url      string // of the public port: http://127.0.0.1:…
	adminURL string // of the admin port
	client   *http.Client
	store    []string
	flags    []string
	logFile  string
	files    int  // file descriptors that a process may have open; 0: as many as this one
	plain    bool // without the race detector
	process  *exec.Cmd
	exited   chan error // holds the result of the process once it is gone
}

// startNode starts a node on the embedded store with these flags beside its own, and waits until it is ready.
func startNode(tb testing.TB, flags ...string) *node {
	tb.Helper()
	return startNodeOn(tb, []string{"--data-dir", filepath.Join(tb.TempDir(), "data")}, flags...)
}

// startSecureNode is startNode with a certificate: the public port speaks TLS alone.
func startSecureNode(tb testing.TB) *node {
	tb.Helper()
	certFile, keyFile, roots := selfsigned.Certificate(tb)
	n := newNode(tb, []string{"--data-dir", filepath.Join(tb.TempDir(), "data")}, "--tls-cert", certFile, "--tls-key", keyFile)
	n.url = "https" + strings.TrimPrefix(n.url, "http")
	n.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	n.start()
	return n
}

// startNodeOn starts a node on a store given by its flags, --data-dir or --database, which admin commands get as well.
func startNodeOn(tb testing.TB, store []string, flags ...string) *node {
	tb.Helper()
	n := newNode(tb, store, flags...)
	n.start()
	return n
}

// newNode prepares a node that has not started.
func newNode(tb testing.TB, store []string, flags ...string) *node {
	tb.Helper()
	listen, admin := freeAddress(tb), freeAddress(tb)
	n := &node{
		tb:       tb,
		url:      "http://" + listen,
		adminURL: "http://" + admin,
		client:   newClient(tb),
		store:    store,
		flags:    slices.Concat([]string{"serve", "--listen", listen, "--admin-listen", admin}, store, flags),
		logFile:  filepath.Join(tb.TempDir(), "log"),
	}
	tb.Cleanup(n.cleanUp)
	return n
}

// start starts the process, again on the same addresses after stop or kill, and waits until it is ready.
func (n *node) start() {
	n.tb.Helper()
	n.launch()
	n.awaitReady()
}

// launch starts the process.
func (n *node) launch() {
	n.tb.Helper()
	if n.plain {
		n.process = plainCommand(n.tb, n.flags...)
	} else {
		n.process = command(context.Background(), n.tb, n.flags...)
	}
	if n.files > 0 {
		n.process.Args = slices.Concat([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(n.files), n.process.Path}, n.flags)
		n.process.Path = "/bin/sh"
	}
	log, err := os.OpenFile(n.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.tb.Fatal(err)
	}
	defer log.Close()
	n.process.Stdout, n.process.Stderr = log, log
	// A test process that is killed takes its nodes along.
	n.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.process.Start(); err != nil {
		n.tb.Fatalf("start a node: %v", err)
	}
	process, exited := n.process, make(chan error, 1)
	n.exited = exited
	go func() { exited <- process.Wait() }()
}

// awaitReady polls /readyz until the node says yes, it ends, or too much time has passed.
func (n *node) awaitReady() {
	n.tb.Helper()
	client := http.Client{Transport: n.client.Transport, Timeout: 5 * time.Second}
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startPatience)
	for {
		if answer, err := client.Get(n.url + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-n.exited:
			n.process = nil
			n.tb.Fatalf("the node ended before it was ready: %v\n%s", err, n.log())
		case <-deadline:
			n.tb.Fatalf("the node is not ready\n%s", n.log())
		case <-tick.C:
		}
	}
}

// stop asks the node to drain, by SIGTERM, and waits until it has ended, which it must do with exit code 0.
func (n *node) stop() {
	n.tb.Helper()
	if err := n.end(syscall.SIGTERM); err != nil {
		n.tb.Errorf("the node did not drain: %v\n%s", err, n.log())
	}
}

// kill ends the node at once, by SIGKILL, as a crash would.
func (n *node) kill() {
	n.tb.Helper()
	n.end(syscall.SIGKILL) // the error says that it was killed
}

// end sends the signal and returns how the process ended; one that does not heed it is killed.
func (n *node) end(signal syscall.Signal) error {
	process := n.process
	n.process = nil
	if err := process.Process.Signal(signal); err != nil {
		return errors.Join(err, <-n.exited)
	}
	select {
	case err := <-n.exited:
		return err
	case <-time.After(drainPatience):
		return errors.Join(errors.New("too slow"), process.Process.Kill(), <-n.exited)
	}
}

// cleanUp stops the node if it still runs, and reports a data race in any of its lives. A failed test shows the log.
func (n *node) cleanUp() {
	if n.process != nil {
		n.stop()
	}
	log := n.log()
	if strings.Contains(log, "WARNING: DATA RACE") {
		n.tb.Error("the node has a data race")
	}
	if n.tb.Failed() {
		n.tb.Logf("the node at %s said:\n%s", n.url, log)
	}
}

// log returns what the node has said in all its lives.
func (n *node) log() string {
	text, err := os.ReadFile(n.logFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		n.tb.Error(err)
	}
	return string(text)
}

// app is an app made by createApp, with its keys.
type app struct {
	AccountID      string `json:"account_id"`
	AppID          string `json:"app_id"`
	SecretKey      string `json:"secret_key"`
	PublishableKey string `json:"publishable_key"`
}

// createApp makes an app in an account by halley admin, beside the running node.
func (n *node) createApp(account, name string, flags ...string) app {
	n.tb.Helper()
	var made app
	flags = append([]string{"create-app", "--account", account, "--app", name, "--email", "owner@" + account + ".example"}, flags...)
	if err := json.Unmarshal([]byte(n.admin(flags...)), &made); err != nil {
		n.tb.Fatalf("create-app: %v", err)
	}
	if made.AppID == "" || made.SecretKey == "" || made.PublishableKey == "" {
		n.tb.Fatalf("create-app gave no id or no keys: %+v", made)
	}
	return made
}

// admin runs a command of halley admin on the node's store and returns what it prints. It must succeed.
func (n *node) admin(arguments ...string) string {
	n.tb.Helper()
	stdout, stderr, code := halley(n.tb, slices.Concat([]string{"admin"}, arguments, n.store)...)
	if code != 0 {
		n.tb.Fatalf("halley admin %s: exit code %d\n%s", strings.Join(arguments, " "), code, stderr)
	}
	return stdout
}

// halley runs the binary to its end and returns what it printed and its exit code.
func halley(tb testing.TB, arguments ...string) (stdout, stderr string, code int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	cmd := command(ctx, tb, arguments...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || ctx.Err() != nil {
		tb.Fatalf("halley %s: %v\n%s", strings.Join(arguments, " "), err, log.String())
	}
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

// command prepares a run of the binary in an empty folder, without Halley's own variables in its environment.
func command(ctx context.Context, tb testing.TB, arguments ...string) *exec.Cmd {
	tb.Helper()
	binary, err := buildBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return prepare(tb, exec.CommandContext(ctx, binary, arguments...))
}

// plainCommand is command for the binary without the race detector. What it starts does not outlive this process.
func plainCommand(tb testing.TB, arguments ...string) *exec.Cmd {
	tb.Helper()
	binary, err := buildPlainBinary()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := prepare(tb, exec.Command(binary, arguments...))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd
}

func prepare(tb testing.TB, cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = tb.TempDir()
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HALLEY_") })
	return cmd
}

// freeAddress returns an address on the loopback that nobody listens on now. It is not reserved: a node that is started again
// needs the same one, so port 0 would not do.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
