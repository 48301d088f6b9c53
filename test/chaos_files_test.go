package test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	fewFiles      = 200             // file descriptors of a node that has few
	manyClients   = 400             // that come to it
	refusalWithin = 5 * time.Second // of its answer
	roomWithin    = 10 * time.Second
)

// A node that may have few files open serves as many clients as fit, and refuses the others at once, with a reason. It keeps what it needs
// for itself: its links hold, and when clients have gone others are let in.
func TestChaosFewFileDescriptors(t *testing.T) {
	t.Parallel()
	store, flags := sharedStore(t)
	addresses := gossipAddresses(t, 2)
	other := startNodeOn(t, store, flags(addresses[0])...)
	n := newNode(t, store, flags(addresses[1], addresses[0])...)
	n.files = fewFiles
	n.start()
	chat := other.createApp("acme", "chat")
	mustPublish(t, other, chat, `{"data":"before"}`)

	crowd := newCrowd(t, n, url.Values{"channel": {"news"}, "key": {chat.PublishableKey}})
	crowd.come(manyClients)
	if crowd.served < fewFiles/3 || crowd.served+crowd.refused != manyClients {
		t.Errorf("of %d clients %d are served and %d refused with a reason; others: %v", manyClients, crowd.served, crowd.refused, crowd.errs)
	}
	for _, one := range []*node{n, other} {
		if got := one.gauge("halley_cluster_members"); got != 2 {
			t.Errorf("%s sees %v members", one.url, got)
		}
	}
	mustPublish(t, other, chat, `{"data":"amid the crowd"}`)
	crowd.leave()
	for end := time.Now().Add(roomWithin); n.gauge("halley_edge_connections") > 1; { // that of this test
		if time.Now().After(end) {
			t.Fatalf("%v connections are still open", n.gauge("halley_edge_connections"))
		}
	}
	mustPublish(t, n, chat, `{"data":"after"}`)
}

// crowd is clients that follow channels by event streams, each on a connection of its own.
type crowd struct {
	t       *testing.T
	host    string
	path    string
	clients sync.WaitGroup
	gone    chan struct{} // closed when they leave

	mu sync.Mutex
	// guarded by mu
	served, refused int
	errs            []error
}

func newCrowd(t *testing.T, n *node, query url.Values) *crowd {
	c := &crowd{t: t, host: strings.TrimPrefix(n.url, "http://"), path: "/v1/sse?" + query.Encode(), gone: make(chan struct{})}
	t.Cleanup(c.leave)
	return c
}

// come has so many clients connect, and waits until each has an answer or has waited in vain.
func (c *crowd) come(count int) {
	c.t.Helper()
	var answered sync.WaitGroup
	for range count {
		answered.Add(1)
		c.clients.Go(func() { c.client(answered.Done) })
	}
	answered.Wait()
}

// client asks for a stream and holds it until all leave. It speaks for itself, for a refusal may come before the question.
func (c *crowd) client(answered func()) {
	conn, err := net.DialTimeout("tcp", c.host, refusalWithin)
	if err != nil {
		c.note(nil, err)
		answered()
		return
	}
	defer conn.Close()
	answer, err := ask(conn, c.host, c.path)
	c.note(answer, err)
	answered()
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		<-c.gone
	}
}

// ask sends a request and returns the head of the answer.
func ask(conn net.Conn, host, path string) (*http.Response, error) {
	if err := conn.SetDeadline(time.Now().Add(refusalWithin)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path, host); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

func (c *crowd) note(answer *http.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.errs = append(c.errs, err)
	case answer.StatusCode == http.StatusOK:
		c.served++
	case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		c.refused++
	}
}

// leave has all clients go, and waits for them.
func (c *crowd) leave() {
	select {
	case <-c.gone:
	default:
		close(c.gone)
	}
	c.clients.Wait()
}
