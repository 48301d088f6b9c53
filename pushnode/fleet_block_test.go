package pushnode_test

import (
	"net/http"
	"testing"

	"halley/pushnode/channel"
	"halley/tenant"
)

// TestBlockWaitsForSubscribersAnywhere has a subscriber on one node that reads nothing: publishers on the two others are refused before
// anything is lost, and go on when it has read all.
func TestBlockWaitsForSubscribersAnywhere(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newApp(t, "ada", tenant.Overrides{tenant.LimitQueueBytes: 4000})
		f.rule(t, a, channel.Rule{Prefix: "block", Public: true, Policy: channel.PolicyBlock})
		leader := f.leads(t, a, "block")
		others := f.others(leader)
		for _, subscribed := range []*member{others[0], leader} {
			s := a.on(subscribed).subscriber(t, "block")
			publishers := f.others(subscribed)
			publish := func(i int) reply {
				return a.on(publishers[i%2]).call(t, http.MethodPost, "/v1/channels/block/messages", `{"data":`+text(1000)+`}`)
			}
			accepted, first := 0, 0
			full := reply{}
			for i := range 50 {
				if full = publish(i); full.Status != http.StatusCreated {
					break
				}
				if accepted++; first == 0 {
					first = full.JSON.number("offset")
				}
			}
			full.expect(t, "publish", "queue_full", "messages wait")
			publish(1).expect(t, "by the other node", "queue_full", "messages wait")
			for i := range accepted {
				if got := s.message(); got.number("offset") != first+i {
					t.Fatalf("got offset %d where %d was due", got.number("offset"), first+i)
				}
			}
			f.await(t, "publishers are refused after the subscriber has read all", func() bool { return publish(0).Status == http.StatusCreated })
			_ = s.conn.CloseNow()
		}
	})
}
