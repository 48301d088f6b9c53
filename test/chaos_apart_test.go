package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"halley/test/postgres"
)

// apartFor is for how long clusters that know each other's addresses are watched: each looks for peers every two seconds.
const apartFor = 8 * time.Second

// Two clusters founded apart do not become one by accident: not where a node is given an address of the other's, and not where a node
// of one comes to stand where one of the other's stood, which gossip still looks for. They share the secret, as copies of one
// installation do; their databases tell them apart.
func TestChaosClustersFoundedApartStayApart(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("one secret for both, as in a copied installation\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ours, theirs := postgres.URL(t), postgres.URL(t)
	addresses := gossipAddresses(t, 4)
	a1 := startPeer(t, ours, secret, addresses[0])
	b1 := startPeer(t, theirs, secret, addresses[1])
	// Each second node is given an address of both clusters.
	a2 := startPeer(t, ours, secret, addresses[2], addresses[0], addresses[1])
	b2 := startPeer(t, theirs, secret, addresses[3], addresses[1], addresses[0])
	for _, p := range []*peer{a1, a2, b1, b2} {
		p.awaitMembers(2)
	}
	// One of ours stands where one of theirs stood.
	b2.kill()
	a3 := startPeer(t, ours, secret, addresses[3], addresses[0])
	a3.awaitMembers(3)

	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(apartFor); time.Now().Before(end); <-tick.C {
		if got := b1.members(); got > 2 {
			t.Fatalf("their cluster has %d members", got)
		}
		if got := a1.members(); got != 3 {
			t.Fatalf("our cluster has %d members", got)
		}
	}
}

// peer is one process of a cluster, without the race detector.
type peer struct {
	t      *testing.T
	admin  string
	client *http.Client
	cmd    *exec.Cmd
	ended  chan struct{}
}

// startPeer starts a node of a cluster; one that is given no peers founds one. It ends with its test.
func startPeer(t *testing.T, database, secret, gossip string, join ...string) *peer {
	t.Helper()
	p := &peer{t: t, admin: freeAddress(t), client: newClient(t), ended: make(chan struct{})}
	log := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	flags := []string{"serve", "--listen", freeAddress(t), "--admin-listen", p.admin, "--data-dir", t.TempDir(), "--database", database,
		"--cluster-secret-file", secret, "--cluster-listen", gossip, "--node-name", gossip}
	for _, other := range join {
		flags = append(flags, "--join", other)
	}
	p.cmd = plainCommand(t, flags...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the test asks the node, and not how it ended
	}()
	t.Cleanup(func() {
		p.kill()
		if text, err := os.ReadFile(log); t.Failed() && err == nil {
			t.Logf("the node at %s said:\n%s", gossip, text)
		}
	})
	p.awaitMembers(1)
	return p
}

func (p *peer) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
}

// awaitMembers waits until the node sees so many members, itself among them.
func (p *peer) awaitMembers(want int) {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); p.members() < want; {
		select {
		case <-tick.C:
		case <-p.ended:
			p.t.Fatal("the node has ended")
		}
		if time.Now().After(end) {
			p.t.Fatalf("the node sees %d members, want %d", p.members(), want)
		}
	}
}

// members is how many members the node's metrics say that it sees; below 1 where it does not answer.
func (p *peer) members() int {
	return int(gauge(p.t, p.client, "http://"+p.admin, "halley_cluster_members"))
}

// gossipAddresses finds addresses on the loopback that are free with the port after each, where links listen.
func gossipAddresses(t *testing.T, count int) []string {
	t.Helper()
	found := make([]string, count)
	for i := range found {
		found[i] = freePair(t)
	}
	return found
}
