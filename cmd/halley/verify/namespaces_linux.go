package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// namespaces has each node in a network namespace of its own, on a bridge in the namespace of this process, which Isolate has made.
// Nothing of it is outside, and nothing has a name: when the processes are gone, the kernel removes it all, however they ended.
type namespaces struct {
	holders []*holder
}

// holder is a process that does nothing but keep a node's namespace while the node itself is restarted.
type holder struct {
	process *exec.Cmd
	alive   io.Closer // its standard input
}

// The network inside: private to the namespaces, so that its addresses and ports can be fixed.
const (
	bridge       = "halley"
	subnet       = "10.77.7."
	hubAddress   = subnet + "254"
	publicPort   = "8080"
	gossipPort   = "7946"
	lossPercent  = "5"
	isolationEnv = "HALLEY_VERIFY_ISOLATED"
)

// CanIsolate reports whether this process may make network namespaces, and has the programs for it.
func CanIsolate() bool {
	if os.Geteuid() != 0 {
		return false
	}
	for _, name := range []string{"ip", "nft", "nsenter", "cat"} {
		if _, err := exec.LookPath(name); err != nil {
			return false
		}
	}
	probe := exec.Command("nft", "list", "tables")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	return probe.Run() == nil
}

// Isolated reports whether this process is the one that Isolate has started.
func Isolated() bool { return os.Getenv(isolationEnv) != "" }

// Isolate runs this program again, with the same arguments, in a network namespace of its own, and returns how it ended. When ctx ends
// it is asked to end, which it does after it has ended its nodes.
func Isolate(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), isolationEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// A group of its own: Ctrl-C comes once, from here.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return cmd.Run()
}

func newNamespaces(s Settings) (network, error) {
	n := &namespaces{}
	err := errors.Join(
		program("ip", "link", "set", "lo", "up"),
		program("ip", "link", "add", bridge, "type", "bridge"),
		program("ip", "address", "add", hubAddress+"/24", "dev", bridge),
		program("ip", "link", "set", bridge, "up"),
	)
	for i := 0; i < s.Nodes && err == nil; i++ {
		err = n.add(i)
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// add makes the namespace of a node, and a cable between it and the bridge.
func (n *namespaces) add(index int) error {
	h := &holder{process: exec.Command("cat")}
	alive, err := h.process.StdinPipe()
	if err != nil {
		return err
	}
	h.alive = alive
	h.process.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := h.process.Start(); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	n.holders = append(n.holders, h)
	outer := cable(index)
	return errors.Join(
		program("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(h.process.Process.Pid)),
		program("ip", "link", "set", outer, "master", bridge),
		program("ip", "link", "set", outer, "up"),
		n.inside(index, "ip", "link", "set", "lo", "up"),
		n.inside(index, "ip", "address", "add", address(index)+"/24", "dev", "eth0"),
		n.inside(index, "ip", "link", "set", "eth0", "up"),
		n.inside(index, "nft", "add table inet halley; add set inet halley cut { type ipv4_addr; };"+
			"add chain inet halley input { type filter hook input priority 0; };"+
			"add rule inet halley input ip saddr @cut drop; add chain inet halley loss { type filter hook input priority 1; };"),
	)
}

func address(index int) string { return subnet + strconv.Itoa(index+1) }

func (n *namespaces) site(index int) (site, error) {
	gossip := address(index) + ":" + gossipPort
	return site{public: address(index) + ":" + publicPort, gossip: gossip, advertise: gossip}, nil
}

func (n *namespaces) command(index int, binary string, arguments ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{n.path(index), binary}, arguments...)...)
}

func (n *namespaces) path(index int) string {
	return fmt.Sprintf("--net=/proc/%d/ns/net", n.holders[index].process.Process.Pid)
}

func (n *namespaces) started(int, int) {}

func (n *namespaces) cut(from, to int) error {
	return n.inside(to, "nft", "add element inet halley cut { "+address(from)+" }")
}

// impair delays packets where the kernel can (netem), and loses some where it cannot.
func (n *namespaces) impair(index int) error {
	err := n.inside(index, "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "50ms", "30ms", "loss", "1%", "reorder", "10%")
	if err == nil {
		return nil
	}
	return n.inside(index, "nft", "add rule inet halley loss ip saddr "+subnet+"0/25 numgen random mod 100 < "+lossPercent+" drop")
}

// narrow bounds what a node sends and what it is sent; more than half a second's worth in a queue is lost, as in a router.
func (n *namespaces) narrow(index int) error {
	bound := []string{"root", "tbf", "rate", strconv.Itoa(narrowBytes*8) + "bit", "burst", "16k", "latency", "500ms"}
	return errors.Join(
		n.inside(index, "tc", append([]string{"qdisc", "add", "dev", "eth0"}, bound...)...),
		program("tc", append([]string{"qdisc", "add", "dev", cable(index)}, bound...)...),
	)
}

// cable is the name of the bridge's end of a node's cable.
func cable(index int) string { return "node" + strconv.Itoa(index) }

func (n *namespaces) heal() error {
	var errs []error
	for i := range n.holders {
		_ = program("tc", "qdisc", "del", "dev", cable(i), "root") // most often there is none
		errs = append(errs, n.inside(i, "nft", "flush set inet halley cut; flush chain inet halley loss"))
		_ = n.inside(i, "tc", "qdisc", "del", "dev", "eth0", "root") // most often there is none
	}
	return errors.Join(errs...)
}

func (n *namespaces) close() error {
	var errs []error
	for _, h := range n.holders {
		errs = append(errs, h.alive.Close(), h.process.Wait())
	}
	n.holders = nil
	return errors.Join(errs...)
}

// inside runs a program in the namespace of a node.
func (n *namespaces) inside(index int, name string, arguments ...string) error {
	return program("nsenter", append([]string{n.path(index), name}, arguments...)...)
}

// program runs a program that says nothing unless it fails.
func program(name string, arguments ...string) error {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
