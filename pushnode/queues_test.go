package pushnode_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"halley/pushnode/channel"
	"halley/tenant"
)

// atQueueBytes has a subscriber that reads nothing, under each policy.
func atQueueBytes(t *testing.T, _ *node) {
	n := newNode(t, func(with *setup) { with.listener = newPipes() })
	a := n.newApp(t, "queue", tenant.Overrides{tenant.LimitQueueBytes: 4000})
	for _, policy := range []channel.Policy{channel.PolicyBlock, channel.PolicyResume, channel.PolicyLatest, channel.PolicyLossy} {
		a.rule(t, channel.Rule{Prefix: string(policy), Public: true, Policy: policy})
	}
	for _, policy := range []channel.Policy{channel.PolicyResume, channel.PolicyLatest, channel.PolicyLossy} {
		s := a.subscriber(t, string(policy))
		a.publishMany(t, string(policy), 20, text(1000)) // each is accepted
		switch policy {
		case channel.PolicyLatest:
			for s.message().number("offset") != 20 {
			}
		case channel.PolicyLossy:
			if dropped := s.next("dropped"); dropped.number("count") < 1 {
				t.Errorf("lossy: got %v", dropped)
			}
		default:
			for want := 1; want <= 20; want++ {
				if got := s.message(); got.number("offset") != want {
					t.Fatalf("resume: got offset %d where %d was due", got.number("offset"), want)
				}
			}
		}
	}
	a.block(t)
}

// subscriber is one that has subscribed and reads nothing from then on.
func (a *app) subscriber(t *testing.T, name string) *socket {
	t.Helper()
	s, _ := a.node.dial(t, a.publishable)
	s.ask("subscribe", fmt.Sprintf(`"channel":%q`, name)).expect(t, "subscribe", "", "")
	return s
}

// block publishes under policy block until that is refused, and sees that what was accepted comes and then more is.
func (a *app) block(t *testing.T) {
	t.Helper()
	s := a.subscriber(t, "block")
	publish := func() reply {
		return a.call(t, http.MethodPost, "/v1/channels/block/messages", `{"data":`+text(1000)+`}`)
	}
	accepted := 0
	full := reply{}
	refused := until(func() bool { // the fan-out comes after the answer
		if full = publish(); full.Status == http.StatusCreated {
			accepted++
		}
		return full.Status != http.StatusCreated
	})
	if !refused {
		t.Fatalf("%d messages were accepted for who reads none", accepted)
	}
	says := regexp.MustCompile(`[1-9][0-9]* messages wait`)
	full.expect(t, "publish", "queue_full", "")
	full.waits(t, "publish")
	if message := full.JSON.in("error").text("message"); full.Status != http.StatusTooManyRequests || !says.MatchString(message) {
		t.Errorf("got %d %q, want 429 with how many wait", full.Status, message)
	}
	other, _ := a.node.dial(t, a.secret)
	other.ask("publish", `"channel":"block","data":1`).expect(t, "socket", "queue_full", "messages wait")
	const both = `{"messages":[{"channels":["block","resume"],"data":1}]}`
	batch := a.call(t, http.MethodPost, "/v1/messages", both).JSON.list("results")
	batch[0].expect(t, "batch", "queue_full", "messages wait")
	batch[1].expect(t, "batch, another channel", "", "")
	for want := 1; want <= accepted; want++ {
		if got := s.message(); got.number("offset") != want {
			t.Fatalf("block: got offset %d where %d was due", got.number("offset"), want)
		}
	}
	if !until(func() bool { return publish().Status == http.StatusCreated }) {
		t.Error("publishes are refused after the subscriber has read all")
	}
}
