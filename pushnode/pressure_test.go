package pushnode_test

import (
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode"
	"halley/pushnode/channel"
	"halley/pushnode/pressure"
	"halley/tenant"
)

// strain is the memory that a node is told to use, of 1000 bytes.
type strain struct{ memory atomic.Int64 }

// use has the node find so many bytes in use, and waits until it has, and for what that ends.
func (l *strain) use(memory int64) {
	l.memory.Store(memory)
	pass(time.Second)
	synctest.Wait()
}

// underLoad runs a test on a node in a bubble whose load the test decides.
func underLoad(t *testing.T, test func(t *testing.T, n *node, l *strain)) {
	t.Helper()
	l := new(strain)
	inBubble(t, func(t *testing.T, n *node) { test(t, n, l) }, func(with *setup) {
		with.pressure = pushnode.Pressure{
			Limits: pressure.Limits{Memory: 1000},
			Sample: func(time.Time) pressure.Reading { return pressure.Reading{Memory: l.memory.Load()} },
		}
	})
}

// crowdedWait is how long who comes new is told to wait, at least.
const crowdedWait = 5

// TestCrowdedNode lets nobody new in, and goes on for those who are there or come back.
func TestCrowdedNode(t *testing.T) {
	t.Parallel()
	underLoad(t, func(t *testing.T, n *node, l *strain) {
		a := n.newApp(t, "ada", nil)
		s, connected := n.dial(t, a.publishable)
		s.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")
		stream := n.follow(t, a.publishable, "channel=news")
		poll := n.poll(t, a.publishable, "channel=news")
		l.use(800)

		for _, path := range []string{"/v1/sse?channel=news", "/v1/poll?channel=news"} {
			got := a.call(t, http.MethodGet, path, "")
			got.expect(t, path, "over_capacity", "no new clients")
			if wait := seconds(t, got); got.Status != http.StatusServiceUnavailable || wait < crowdedWait {
				t.Errorf("%s: %d, to wait for %d s", path, got.Status, wait)
			}
		}
		refused := n.dialSilent(t, a.publishable)
		if fault := refused.next("error").in("error"); fault.number("code") != 4100 || fault.number("retry_after") < 1000*crowdedWait {
			t.Errorf("a WebSocket is told %v", fault)
		}
		if code := refused.closing(); code != 4100 {
			t.Errorf("it is closed with %d, want 4100", code)
		}

		a.publish(t, "news", "1")
		for name, follower := range map[string]follower{"socket": s, "stream": stream, "poll": poll} {
			if got := follower.message(); got.text("data") != "1" {
				t.Errorf("%s: got %v", name, got)
			}
		}
		_ = s.conn.CloseNow()
		stream.end()
		back, again := n.dialWith(t, nil, asQuery(a.publishable)+"&session="+connected.text("resume"))
		if again["resumed"] != true {
			t.Errorf("who comes back is told %v", again)
		}
		stream = n.followAfter(t, a.publishable, "channel=news", stream.id)
		a.publish(t, "news", "2")
		if one, other := back.message(), stream.message(); one.text("data") != "2" || other.text("data") != "2" {
			t.Errorf("got %v and %v", one, other)
		}
		if n.Ready() != nil || n.Admits() == nil || n.Report().Pressure != "crowded" {
			t.Errorf("ready: %v, admits: %v, reports %q", n.Ready(), n.Admits(), n.Report().Pressure)
		}
		if got := n.metric(t, "halley_pushnode_shed_total", "connections"); got != 3 {
			t.Errorf("%v refused connections are counted, want 3", got)
		}

		l.use(0)
		n.dialSilent(t, a.publishable).next("error") // it is not over at once
		pass(5 * time.Second)
		n.dial(t, a.publishable)
		if err := n.Admits(); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

// TestRefusedComeBackSpread: of six hundred clients that come at once each is given a time of its own.
func TestRefusedComeBackSpread(t *testing.T) {
	t.Parallel()
	underLoad(t, func(t *testing.T, n *node, l *strain) {
		a := n.newApp(t, "ada", nil)
		l.use(800)
		comeBack := make(map[int]int) // by the second
		for range 600 {
			comeBack[seconds(t, a.call(t, http.MethodGet, "/v1/poll?channel=news", ""))]++
		}
		for wait, count := range comeBack {
			if count > 200 {
				t.Errorf("%d are told to come back after %d s", count, wait)
			}
		}
		if len(comeBack) != 4 { // the first of them alone after five seconds: to wait for less than told is no use
			t.Errorf("they come back at %v", comeBack)
		}
	})
}

// TestStrainedNode takes no publications, over anything, and does all else for those who are connected.
func TestStrainedNode(t *testing.T) {
	t.Parallel()
	underLoad(t, func(t *testing.T, n *node, l *strain) {
		a := n.newApp(t, "ada", nil)
		s, connected := n.dial(t, a.secret)
		s.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")
		l.use(900)
		const says = "short of memory"
		got := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"id":"m1","data":1}`)
		got.expect(t, "publish", "over_capacity", says)
		got.waits(t, "publish")
		batch := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channel":"news","data":1}]}`).JSON.list("results")
		batch[0].expect(t, "batch", "over_capacity", says)
		s.ask("publish", `"channel":"news","data":1`).expect(t, "socket", "over_capacity", says)
		s.ask("enter", `"channel":"news"`).expect(t, "enter", "", "")
		s.ask("subscribe", `"channel":"other"`).expect(t, "subscribe", "", "")
		a.call(t, http.MethodGet, "/v1/channels/news/messages", "").expect(t, "history", "", "")
		_ = s.conn.CloseNow()
		s, again := n.dialWith(t, http.Header{"Authorization": {"Bearer " + a.secret}}, "session="+connected.text("resume"))
		if again["resumed"] != true {
			t.Errorf("who comes back is told %v", again)
		}
		s.next("subscribed")
		s.next("subscribed") // a pipe holds nothing: who reads nothing is slow
		if refusals := n.metric(t, "halley_pushnode_refused_publications_total", "over_capacity"); refusals != 3 {
			t.Errorf("%v refused publications are counted, want 3", refusals)
		}
		l.use(0)
		pass(10 * time.Second)
		got = a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"id":"m1","data":1}`)
		if s.message().number("offset") != 1 || got.JSON.number("offset") != 1 {
			t.Errorf("the repeated publication: %d %s", got.Status, got.Text)
		}
	})
}

// TestCriticalNode lets the longest queues go, by their channels' policies, and closes nobody.
func TestCriticalNode(t *testing.T) {
	t.Parallel()
	underLoad(t, func(t *testing.T, n *node, l *strain) {
		a := n.newApp(t, "ada", nil)
		slow := make(map[channel.Policy]*socket)
		for _, policy := range []channel.Policy{channel.PolicyResume, channel.PolicyBlock, channel.PolicyLatest, channel.PolicyLossy} {
			a.rule(t, channel.Rule{Prefix: string(policy), Public: true, Policy: policy})
			slow[policy] = a.subscriber(t, string(policy))
			a.publishMany(t, string(policy), 20, text(1000))
		}
		synctest.Wait()
		queued := func() int { return int(n.metric(t, "halley_session_queue_bytes", "")) }
		before := queued()
		l.use(960) // 50 bytes too many: one queue has more than that
		after := queued()
		if gone := before - after; gone < 15_000 || gone > 20*1500 {
			t.Errorf("of %d bytes %d went for the 50 that were too many", before, gone)
		}
		l.use(100_000)
		if left := queued(); left > 4*2*1500 {
			t.Errorf("%d bytes of %d wait where all should have gone but one message each", left, before)
		}
		a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1}`).expect(t, "publish", "over_capacity", "")
		resume := a.call(t, http.MethodGet, "/v1/poll?channel=news&cursor=1-0-1:2", "")
		resume.expect(t, "who comes back", "over_capacity", "")
		if wait := seconds(t, resume); wait >= crowdedWait {
			t.Errorf("who comes back waits for %d s: before those who come new", wait)
		}
		l.use(0)
		for policy, s := range slow {
			offset, dropped := 0, 0
			for offset < 20 {
				switch push := s.push(); push.text("op") {
				case "dropped":
					dropped += push.number("count")
				case "message":
					lost := push.number("offset") - offset - 1
					if offset = push.number("offset"); lost > 0 && policy != channel.PolicyLatest && lost != dropped {
						t.Errorf("%s: %d lost before %d, told %d", policy, lost, offset, dropped)
					}
				}
			}
			if whole := policy == channel.PolicyResume || policy == channel.PolicyBlock; whole && dropped > 0 || policy == channel.PolicyLossy && dropped < 15 {
				t.Errorf("%s: %d dropped", policy, dropped)
			}
		}
		pass(15 * time.Second)
		a.publish(t, "block", "more")
		if got := n.metric(t, "halley_pushnode_shed_total", "queues"); got != 4 {
			t.Errorf("%v queues are counted, want 4", got)
		}
	})
}

// TestNodeStopsBeforeItsMemoryIsGone fills a node's real memory until it takes no more: who is connected goes on, and when history has
// gone all is as before. Not beside other tests: their memory would count.
func TestNodeStopsBeforeItsMemoryIsGone(t *testing.T) {
	runtime.GC()
	runtime.GC() // what pools held goes with the second one: it would be room that the node is not told of
	const room = 48 << 20
	limit := pressure.NewSampler(0).Read(time.Now()).Memory + room
	inBubble(t, func(t *testing.T, n *node) {
		a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitPublishesPerSecond: 100_000})
		a.rule(t, channel.Rule{Prefix: "", Public: true, Policy: channel.PolicyResume,
			Retention: channel.Retention{Messages: 100, Bytes: 4 << 20, Age: 6 * time.Minute}})
		s, _ := n.dial(t, a.publishable)
		s.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")
		body := `{"data":` + text(60_000) + `}`
		taken, crowded := 0, 0
		for full := false; !full; pass(11 * time.Second) { // the heap is measured anew every 10 s
			for i := range 30 {
				got := a.call(t, http.MethodPost, fmt.Sprintf("/v1/channels/c%d/messages", i%20), body)
				if full = got.Status == http.StatusServiceUnavailable; full {
					break
				}
				taken++
			}
			if a.call(t, http.MethodGet, "/v1/poll?channel=news", "").Status == http.StatusServiceUnavailable && crowded == 0 {
				crowded = taken
			}
			if taken*60_000 > room {
				t.Fatalf("%d bytes of data were taken where there is room for %d", taken*60_000, room)
			}
		}
		if crowded == 0 || crowded == taken || taken*60_000 < room/4 {
			t.Errorf("nobody new was let in after %d publications, and none taken after %d", crowded, taken)
		}
		s.ask("ping", "").expect(t, "who is connected", "", "")
		pass(7 * time.Minute)
		n.dial(t, a.publishable)
		a.publish(t, "news", "after it")
		if got := s.message(); got.text("data") != "after it" {
			t.Errorf("got %v", got)
		}
	}, func(with *setup) { with.pressure = pushnode.Pressure{Limits: pressure.Limits{Memory: limit}} })
}

// seconds is what a reply tells to wait.
func seconds(t *testing.T, r reply) (wait int) {
	t.Helper()
	if _, err := fmt.Sscan(r.Header.Get("Retry-After"), &wait); err != nil {
		t.Fatalf("%d without a good Retry-After: %v", r.Status, r.Header)
	}
	return wait
}
