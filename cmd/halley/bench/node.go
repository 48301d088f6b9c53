package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"halley/cmd/halley/child"
)

// Times that a node may take.
const (
	readyPatience = 60 * time.Second // from its start until it takes clients
	endPatience   = 30 * time.Second // from SIGTERM until it is gone
)

// Node is a node that was started to be measured, with a store of its own in a temporary folder.
type Node struct {
	Target *Target

	folder  string
	process *exec.Cmd
	exited  chan error // holds how the process ended
}

// StartNode starts a node of a halley binary, whose limits do not stand in the way.
func StartNode(ctx context.Context, binary string) (_ *Node, err error) {
	n := &Node{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.folder, err = os.MkdirTemp("", "halley-bench-"); err != nil {
		return nil, err
	}
	dialect, err := n.makeApp(ctx, binary)
	if err != nil {
		return nil, err
	}
	public, admin, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	if n.Target, err = NewTarget("http://"+public, false, dialect); err != nil {
		return nil, err
	}
	if err := n.start(binary, public, admin); err != nil {
		return nil, err
	}
	n.Target.Metrics = "http://" + admin + "/metrics"
	if _, err := processTime(n.process.Process.Pid); err == nil { // else what it costs stays unknown
		n.Target.PIDs = []int{n.process.Process.Pid}
	}
	return n, n.awaitReady(ctx)
}

// makeApp makes the database and an app in it, before the node starts and reads them.
func (n *Node) makeApp(ctx context.Context, binary string) (Halley, error) {
	cmd := exec.CommandContext(ctx, binary, "admin", "create-app", "--data-dir", n.data(), "--account", "bench", "--app", "bench",
		"--email", "bench@example.com", "--pusher", "--limit", "publishes_per_second=1000000", "--limit", "api_requests_per_second=1000000",
		"--limit", "connections=1000000", "--limit", "channels=100000", "--limit", "messages_per_month=1000000000000",
		"--limit", fmt.Sprintf("message_bytes=%d", maxBytes+1<<10))
	cmd.Env = child.Environment()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return Halley{}, fmt.Errorf("halley admin create-app: %w: %s", err, stderr.String())
	}
	var made struct {
		SecretKey      string `json:"secret_key"`
		PublishableKey string `json:"publishable_key"`
		Pusher         struct {
			Key string `json:"key"`
		} `json:"pusher"`
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return Halley{}, fmt.Errorf("halley admin create-app: %w", err)
	}
	return Halley{Key: made.SecretKey, PublishableKey: made.PublishableKey, PusherKey: made.Pusher.Key}, nil
}

func (n *Node) data() string { return filepath.Join(n.folder, "data") }

// start starts the process. What it says goes to a file.
func (n *Node) start(binary, public, admin string) error {
	log, err := os.Create(filepath.Join(n.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--listen", public, "--admin-listen", admin, "--data-dir", n.data(), "--log-level", "warn",
		"--max-connections-per-ip", "0")
	cmd.Env = child.Environment()
	cmd.Stdout, cmd.Stderr = log, log
	child.Bind(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a node: %w", err)
	}
	exited := make(chan error, 1)
	n.process, n.exited = cmd, exited
	go func() { exited <- cmd.Wait() }() // ends with the process, which Close waits for
	return nil
}

// awaitReady waits until the node takes clients.
func (n *Node) awaitReady(ctx context.Context) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(readyPatience); time.Now().Before(end); {
		if answer, err := client.Get(n.Target.URL.JoinPath("readyz").String()); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-n.exited:
			n.exited <- err
			said, _ := os.ReadFile(filepath.Join(n.folder, "log")) // as much as there is
			return fmt.Errorf("the node ended before it was ready: %w: %s", err, said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("the node was not ready within %v", readyPatience)
}

// Close ends the node and removes its folder.
func (n *Node) Close() error {
	var ended error
	if n.process != nil {
		ended = n.end()
	}
	if n.folder == "" {
		return ended
	}
	return errors.Join(ended, os.RemoveAll(n.folder))
}

// end kills the process: it holds nothing that anybody wants.
func (n *Node) end() error {
	if err := n.process.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-n.exited: // says that it was killed
		return nil
	case <-time.After(endPatience):
		return fmt.Errorf("the node did not end within %v", endPatience)
	}
}

// freeAddresses are two addresses that nobody listens on now.
func freeAddresses() (first, second string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}
