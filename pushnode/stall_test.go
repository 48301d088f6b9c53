package pushnode_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/channel"
	"halley/pushnode/pressure"
	"halley/tenant"
)

// What a stalled reader is up against: more than the kernel takes for a socket (4 MB), and then as much again.
const (
	stalledQueue    = 256 << 10
	stalledMessage  = 60_000
	stalledEnvelope = 1000 // what a frame holds beside the data
	stalledFill     = 100
	stalledGrowth   = 1 << 20 // of the memory, at most, while 6 MB are published: what else the process does
)

// TestStalledReaders has a client on a real socket that stops reading, under each policy: memory stays as it is, who reads gets each
// message before the next is published, on the same channel and on another, and in the end the client and the metrics together know
// of every single message. Not beside other tests: their memory would count.
func TestStalledReaders(t *testing.T) {
	for _, policy := range []channel.Policy{channel.PolicyResume, channel.PolicyBlock, channel.PolicyLatest, channel.PolicyLossy} {
		t.Run(string(policy), func(t *testing.T) {
			n := newNode(t, func(with *setup) { with.session.WriteTimeout = time.Hour })
			a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitQueueBytes: stalledQueue, tenant.LimitPublishesPerSecond: 100_000})
			a.rule(t, channel.Rule{Prefix: "stalled", Public: true, Policy: policy})
			s := &stall{app: a, policy: policy, slow: n.dialNarrow(t, a.publishable)}
			s.slow.ask("subscribe", `"channel":"stalled"`).expect(t, "subscribe", "", "")
			s.fast, s.other = a.subscriber(t, "stalled"), a.subscriber(t, "other")
			s.fill(t)
			before := s.held(t)
			s.fill(t)
			if grown := s.held(t) - before; grown > stalledGrowth {
				t.Errorf("the node holds %d bytes more after %d messages more", grown, stalledFill)
			}
			s.check(t, s.drain(t))
		})
	}
}

// stall is a channel with one client that reads nothing and one that reads all, beside another channel.
type stall struct {
	app               *app
	policy            channel.Policy
	slow, fast, other *socket
	taken, refused    int // publications on the channel
}

// dialNarrow opens a WebSocket whose client side takes as little as the kernel allows before it is read.
func (n *node) dialNarrow(t *testing.T, credential string) *socket {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failure error
		err := raw.Control(func(fd uintptr) {
			failure = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
		if err != nil {
			return err
		}
		return failure
	}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
	conn, _, err := websocket.Dial(ctx, n.URL+"/v1/ws?"+asQuery(credential), options)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	s := &socket{tb: t, conn: conn}
	s.next("connected")
	return s
}

// fill publishes on both channels in turn. Each message is read by those who read before the next one is published.
func (s *stall) fill(t *testing.T) {
	t.Helper()
	for i := range stalledFill {
		got := s.app.call(t, http.MethodPost, "/v1/channels/stalled/messages", `{"data":`+text(stalledMessage)+`}`)
		switch {
		case got.Status == http.StatusCreated:
			s.taken++
			if at := s.fast.message().number("offset"); at != got.JSON.number("offset") {
				t.Fatalf("who reads got message %d when %s was published", at, got.Text)
			}
		case s.policy == channel.PolicyBlock:
			s.refused++
			got.expect(t, "publish", "queue_full", "messages wait")
			got.waits(t, "publish")
		default:
			t.Fatalf("publish: %d %s", got.Status, got.Text)
		}
		s.app.publish(t, "other", i)
		if got := s.other.message(); got.number("data") != i {
			t.Fatalf("on the other channel %v came when %d was published", got, i)
		}
	}
}

// held is how much memory this process holds; on the way it sees that no more waits for the client than may, and the newest message of
// policy latest beside what is being written.
func (s *stall) held(t *testing.T) int64 {
	t.Helper()
	if !until(func() bool { return s.app.node.metric(t, "halley_session_queue_bytes", "") > 0 }) {
		t.Fatal("nothing waits for the client: it is not stalled")
	}
	if queued := s.app.node.metric(t, "halley_session_queue_bytes", ""); queued > stalledQueue+stalledMessage+stalledEnvelope {
		t.Errorf("%v bytes wait for a client that may have %d", queued, stalledQueue)
	}
	return pressure.NewSampler(1).Read(time.Now()).Memory
}

// account is what the client was told of each message.
type account struct{ received, missed, dropped int }

// drain has the client read all, and holds it against the order of the channel.
func (s *stall) drain(t *testing.T) (told account) {
	t.Helper()
	for last := 0; last < s.taken; {
		switch push := s.slow.push(); push.text("op") {
		case "message":
			told.received++
			next := push.number("offset")
			if next <= last || s.policy != channel.PolicyLatest && s.policy != channel.PolicyLossy && next != last+1 {
				t.Fatalf("message %d came after %d", next, last)
			}
			last = next
		case "gap":
			if push.text("reason") != "slow_consumer" || push.number("from") != last+1 {
				t.Fatalf("after message %d: %v", last, push)
			}
			told.missed += push.number("to") - push.number("from") + 1
			last = push.number("to")
		case "dropped":
			told.dropped += push.number("count")
		}
	}
	return told
}

// check holds what the client was told against what was published, by the policy, and against the metrics.
func (s *stall) check(t *testing.T, told account) {
	t.Helper()
	metric := func(name, value string) int { return int(s.app.node.metric(t, name, value)) }
	drops := metric("halley_session_drops_total", string(s.policy))
	what := fmt.Sprintf("%d taken, %d refused, client %+v, %d drops counted", s.taken, s.refused, told, drops)
	sound := false
	switch s.policy {
	case channel.PolicyResume:
		sound = told.received+told.missed == s.taken && told.missed > 0 && told.dropped+drops == 0 &&
			metric("halley_session_overflows_total", "") > 0 && metric("halley_session_gaps_total", "slow_consumer") == 1
	case channel.PolicyBlock:
		sound = told == account{received: s.taken} && drops == 0 && s.refused >= stalledFill &&
			metric("halley_pushnode_refused_publications_total", "queue_full") == s.refused
	case channel.PolicyLatest:
		sound = told.received+drops == s.taken && drops > 0 && told.missed+told.dropped == 0
	case channel.PolicyLossy:
		sound = told.received+told.dropped == s.taken && told.dropped == drops && drops > 0 && told.missed == 0
	}
	if !sound {
		t.Error(what)
	}
}

// TestStalledReadersDelayNobody: where time passes only when all wait, none passes between a publication and its arrival, though on four
// other channels clients read nothing.
func TestStalledReadersDelayNobody(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitQueueBytes: 4000, tenant.LimitPublishesPerSecond: 100_000})
		policies := []channel.Policy{channel.PolicyResume, channel.PolicyBlock, channel.PolicyLatest, channel.PolicyLossy}
		for _, policy := range policies {
			a.rule(t, channel.Rule{Prefix: string(policy), Public: true, Policy: policy})
			a.subscriber(t, string(policy))
		}
		other := a.subscriber(t, "other")
		for i := range 50 {
			for _, policy := range policies {
				a.call(t, http.MethodPost, "/v1/channels/"+string(policy)+"/messages", `{"data":`+text(1000)+`}`)
			}
			begin := time.Now()
			a.publish(t, "other", i)
			if got := other.message(); got.number("data") != i {
				t.Fatalf("%v came where %d was published", got, i)
			}
			if late := time.Since(begin); late > 0 {
				t.Fatalf("message %d came after %s", i, late)
			}
		}
	})
}
