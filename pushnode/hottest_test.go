package pushnode_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/tenant"
)

// hottest asks for the app's hottest channels.
func (a *app) hottest(t *testing.T, query string) object {
	t.Helper()
	got := a.call(t, http.MethodGet, "/v1/usage/hottest?"+query, "")
	if got.Status != http.StatusOK {
		t.Fatalf("hottest: %d %s", got.Status, got.Text)
	}
	return got.JSON
}

// names are the channels of an answer, in order.
func names(answer object, list, name string) (found []string) {
	for _, one := range answer.list(list) {
		found = append(found, one.text(name))
	}
	return found
}

// TestHottest has channels that are hottest each by another figure, of two apps that see their own alone. The operator sees both.
func TestHottest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitQueueBytes: 20_000})
		b := n.newApp(t, "bob", nil)
		a.rule(t, channel.Rule{Prefix: "slow", Public: true, Policy: channel.PolicyResume})
		a.publishMany(t, "busy", 30, "1")
		followers := []*socket{a.subscriber(t, "heard"), a.subscriber(t, "heard"), a.subscriber(t, "heard")}
		for i := range 20 {
			a.publish(t, "heard", i)
			for _, one := range followers {
				one.message()
			}
		}
		a.subscriber(t, "slow")
		a.publishMany(t, "slow", 10, text(1000))
		b.publishMany(t, "theirs", 100, "1")
		synctest.Wait()
		pass(time.Second) // an answer may be a second old

		for by, want := range map[string]string{
			"by=publishes": "[busy heard slow]", "by=deliveries": "[heard slow]", "by=queue_bytes": "[slow]", "": "[heard slow]",
		} {
			answer := a.hottest(t, by)
			if got := fmt.Sprint(names(answer, "channels", "channel")); got != want || answer.number("nodes") != 1 || answer.number("missing") != 0 {
				t.Errorf("%q: %v, want %s", by, answer, want)
			}
		}
		busy, waits := a.hottest(t, "by=publishes&limit=1"), a.hottest(t, "by=queue_bytes")
		if len(busy.list("channels")) != 1 || len(waits.list("channels")) != 1 {
			t.Fatalf("the busiest are told as %v, where something waits as %v", busy, waits)
		}
		if rate, _ := busy.list("channels")[0]["publishes_per_minute"].(float64); rate < 30 || rate > 60 {
			t.Errorf("30 publishes within some seconds are told as %v", busy)
		}
		slow := waits.list("channels")[0]
		if slow.number("queue_bytes") < 8000 || slow.number("queue_bytes") > 20_000 {
			t.Errorf("what waits is told as %v", slow)
		}
		for query, mentions := range map[string]string{"by=x": "queue_bytes", "limit=101": "100", "limit=0": "100"} {
			a.call(t, http.MethodGet, "/v1/usage/hottest?"+query, "").expect(t, query, "invalid_field", mentions)
		}

		pass(10 * time.Second) // the apps are counted every five
		all := operatorsHottest(t, n, "by=publishes")
		if got := fmt.Sprint(names(all, "channels", "channel"), names(all, "apps", "app")); got != fmt.Sprint("[theirs busy heard slow] ", []string{b.id, a.id}) {
			t.Errorf("the operator is told %v", all)
		}
		if waits := operatorsHottest(t, n, "by=queue_bytes").list("apps"); len(waits) > 1 || len(waits) == 1 && waits[0].text("app") != a.id {
			t.Errorf("apps by what waits: %v", waits)
		}
		pass(10 * time.Minute)
		if cold := a.hottest(t, "by=publishes").list("channels"); len(cold) > 0 {
			t.Errorf("long after it %v is told", cold)
		}
	}, func(with *setup) { with.session.WriteTimeout = time.Hour })
}

// operatorsHottest is what the operator's port answers.
func operatorsHottest(t *testing.T, n *node, query string) object {
	t.Helper()
	recorded := httptest.NewRecorder()
	n.ServeHottest(recorded, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hot?"+query, nil))
	if recorded.Code != http.StatusOK {
		t.Fatalf("%d %s", recorded.Code, recorded.Body)
	}
	var answer object
	if err := json.Unmarshal(recorded.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestHottestOfACluster adds up what happens on all nodes. One that does not answer is counted, and the others' figures told.
func TestHottestOfACluster(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newApp(t, "ada", nil)
		var followers []*socket
		for _, m := range f.nodes {
			followers = append(followers, a.on(m).subscriber(t, "news"))
		}
		for i := range 30 {
			a.on(f.nodes[i%3]).publish(t, "news", i)
			for _, one := range followers {
				one.message()
			}
		}
		pass(time.Second)
		for _, m := range f.nodes {
			answer := a.on(m).hottest(t, "")
			news := answer.list("channels")
			if len(news) != 1 || answer.number("nodes") != 3 || answer.number("missing") != 0 {
				t.Fatalf("%s answers %v", m.name, answer)
			}
			published, delivered := news[0].number("publishes_per_minute"), news[0].number("deliveries_per_minute")
			if published < 25 || published > 45 || delivered < 3*25 || delivered > 3*45 {
				t.Errorf("%s: 30 publishes for three are told as %v", m.name, news[0])
			}
		}
		f.nodes[2].kill()
		answer := a.on(f.nodes[0]).hottest(t, "")
		if answer.number("nodes") != 3 || answer.number("missing") != 1 || len(answer.list("channels")) != 1 {
			t.Errorf("with a node that does not answer: %v", answer)
		}
		f.await(t, "a dead node is asked for ever", func() bool {
			answer := a.on(f.nodes[0]).hottest(t, "")
			return answer.number("nodes") == 2 && answer.number("missing") == 0
		})
	})
}
