package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// node is a process of halley serve with a data folder of its own.
type node struct {
	t       *testing.T
	public  string // host:port
	admin   string
	dataDir string
	command *exec.Cmd
	stdout  *bytes.Buffer // read it after the end
	stderr  *bytes.Buffer
	ended   chan error
}

// startNode starts a node and waits until it is ready. It is killed with its test if it has not ended by then.
func startNode(t *testing.T, client *http.Client, scheme string, flags ...string) *node {
	t.Helper()
	n := &node{
		t: t, public: freeAddress(t), admin: freeAddress(t), dataDir: t.TempDir(),
		stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), ended: make(chan error, 1),
	}
	arguments := []string{"serve", "--listen", n.public, "--admin-listen", n.admin, "--data-dir", n.dataDir}
	n.command = exec.Command(binary(t), append(arguments, flags...)...)
	n.command.Stdout, n.command.Stderr = n.stdout, n.stderr
	n.command.Env = plainEnvironment()
	n.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		n.ended <- n.command.Wait()
	}()
	t.Cleanup(func() {
		_ = n.command.Process.Kill()
		<-waited
		if t.Failed() {
			t.Logf("the node said:\n%s", n.stderr)
		}
	})
	n.await(client, scheme+"://"+n.public+"/readyz")
	return n
}

// await polls a URL until it answers 200.
func (n *node) await(client *http.Client, url string) {
	n.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; {
		if response, err := client.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-n.ended:
			n.t.Fatalf("the node ended: %v\n%s", err, n.stderr)
		case <-ticker.C:
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s does not answer", url)
		}
	}
}

func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.command.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// end waits until the process has ended.
func (n *node) end() error {
	n.t.Helper()
	select {
	case err := <-n.ended:
		return err
	case <-time.After(patience):
		n.t.Fatal("the node does not end")
		return nil
	}
}

// halley runs another command of the binary.
func halley(t *testing.T, environment []string, arguments ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary(t), arguments...)
	command.Env = append(plainEnvironment(), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited || ctx.Err() != nil {
			t.Fatalf("halley %s: %v", strings.Join(arguments, " "), err)
		}
	}
	return result{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func binary(t *testing.T) string {
	t.Helper()
	name, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// plainEnvironment is ours without Halley's settings.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HALLEY_") })
}

// freeAddress is an address that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// plainClient keeps no connection open and follows no redirect.
func plainClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch returns status, headers and body of a GET.
func fetch(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// made is what create-app prints.
type made struct {
	AccountID      string `json:"account_id"`
	AppID          string `json:"app_id"`
	SecretKey      string `json:"secret_key"`
	PublishableKey string `json:"publishable_key"`
}

func (n *node) createApp(arguments ...string) made {
	n.t.Helper()
	got := halley(n.t, nil, append([]string{"admin", "create-app", "--data-dir", n.dataDir, "--account", "acme", "--app", "shop", "--email", "a@b.example"}, arguments...)...)
	var app made
	if err := json.Unmarshal([]byte(got.stdout), &app); err != nil || got.code != exitOK {
		n.t.Fatalf("create-app: %+v, %v", got, err)
	}
	return app
}
