package pushnode_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/webhook"
	"halley/tenant"
)

// posts is what endpoints were sent.
type posts struct {
	mu sync.Mutex
	// guarded by mu
	refuse   bool // with 503
	attempts int
	accepted []webhook.Post
}

// send takes the place of package webhook's sender.
func (p *posts) send(_ context.Context, post webhook.Post) webhook.Attempt {
	if p == nil {
		return webhook.Attempt{Status: http.StatusOK}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts++
	if p.refuse {
		return webhook.Attempt{Status: http.StatusServiceUnavailable}
	}
	p.accepted = append(p.accepted, post)
	return webhook.Attempt{Status: http.StatusOK}
}

func (p *posts) refusing(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = yes
}

// told is the events that were accepted, each as its name and what else it says.
func (p *posts) told(t testing.TB) (list []string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, post := range p.accepted {
		var body struct {
			Time   int64       `json:"time_ms"`
			Events []hookEvent `json:"events"`
		}
		if err := json.Unmarshal(post.Body, &body); err != nil || body.Time == 0 {
			t.Errorf("%s: %v", post.Body, err)
		}
		for _, event := range body.Events {
			list = append(list, event.String())
		}
	}
	return list
}

type hookEvent struct {
	Name     string `json:"name"`
	Channel  string `json:"channel"`
	UserID   string `json:"user_id"`
	Event    string `json:"event"`
	Data     string `json:"data"`
	SocketID string `json:"socket_id"`
	Count    *int   `json:"subscription_count"`
}

func (e hookEvent) String() string {
	text := e.Name + " " + e.Channel
	for _, more := range []string{e.UserID, e.Event, e.Data, e.SocketID} {
		if more != "" {
			text += " " + more
		}
	}
	if e.Count != nil {
		text += fmt.Sprint(" ", *e.Count)
	}
	return text
}

// hooked gives the app an endpoint that every node of the fleet knows.
func (f *fleet) hooked(t testing.TB, a *app, settings tenant.WebhookSettings) {
	t.Helper()
	settings.URL = "https://example.com/hook"
	_, err := f.nodes[0].Store.AddWebhook(t.Context(), a.scope(), a.id, settings, []tenant.WebhookHeader{{Name: "X-A", Value: auth.NewSecret("1")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range f.living() {
		f.await(t, "an endpoint did not reach a node", func() bool {
			view := m.Directory.View(a.id)
			return view != nil && len(view.Webhooks()) == 1
		})
	}
}

// wants holds what was told, in all and in that order.
func (f *fleet) wants(t testing.TB, why string, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := f.posts.told(t); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: told\n%s\nwant\n%s", why, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFleetTellsWebhooks has clients of Pusher's come and go on three nodes: an app is told once of each.
func TestFleetTellsWebhooks(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{})
		first := a.dial(t, f.nodes[0].node)
		first.subscribe("presence-room", "ada")
		pass(time.Second)
		second := a.dial(t, f.nodes[1].node)
		second.subscribe("presence-room", "ada")
		pass(time.Second)
		first.say("client-hello", "presence-room", "hi")
		pass(time.Second)
		told := []string{
			"channel_occupied presence-room", "member_added presence-room ada",
			"client_event presence-room ada client-hello hi " + first.id,
		}
		synctest.Wait()
		if got := f.posts.told(t); len(got) == 3 && strings.HasPrefix(got[0], "member_added") {
			told[0], told[1] = told[1], told[0] // they are proposed in the order in which the leader hears of them
		}
		f.wants(t, "two connections of one user, on two nodes", told...)
		_ = first.conn.CloseNow()
		pass(20 * time.Second)
		f.wants(t, "one connection is left", told...)
		_ = second.conn.CloseNow()
		pass(time.Minute)
		got := f.posts.told(t)
		if len(got) != 5 || !strings.Contains(strings.Join(got[3:], "\n"), "member_removed presence-room ada") ||
			!strings.Contains(strings.Join(got[3:], "\n"), "channel_vacated presence-room") {
			t.Errorf("none is left: %q", got)
		}
		if post := f.posts.accepted[0]; post.Signer.Key != a.Key || post.Signer.Secret.Reveal() != a.Secret.Reveal() ||
			len(post.Endpoint.Headers) != 1 || post.Endpoint.URL != "https://example.com/hook" {
			t.Errorf("%+v", post)
		}
	})
}

// TestWebhookOutlivesItsLeader kills the leader of a channel's slot while an endpoint is down: the next leader tells what the first could not.
func TestWebhookOutlivesItsLeader(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{Events: []string{"channel_occupied", "channel_vacated"}})
		leader := f.nodes[0]
		name := f.named(t, a.app, "news", leader)
		f.posts.refusing(true)
		client := a.dial(t, f.nodes[1].node)
		client.subscribe(name, "")
		pass(5 * time.Second)
		if f.posts.attempts < 2 {
			t.Errorf("%d attempts", f.posts.attempts)
		}
		leader.kill()
		pass(10 * time.Second)
		f.posts.refusing(false)
		pass(90 * time.Second)
		f.wants(t, "the endpoint is back", "channel_occupied "+name)
		_ = client.conn.CloseNow()
		pass(90 * time.Second)
		f.wants(t, "the subscriber has gone", "channel_occupied "+name, "channel_vacated "+name)
		pass(10 * time.Minute)
		f.wants(t, "a while later", "channel_occupied "+name, "channel_vacated "+name)
	})
}

// TestWebhookTellsWhatOneNodeKnows tells of cache channels that hold nothing, and how many subscribers channels have.
func TestWebhookTellsWhatOneNodeKnows(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 1, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{Events: []string{"cache_miss", "subscription_count"}, Prefix: "cache-"})
		client := a.dial(t, f.nodes[0].node)
		client.subscribe("cache-news", "")
		client.subscribe("other", "")
		pass(time.Second)
		f.wants(t, "one came", "cache_miss cache-news", "subscription_count cache-news 1")
		a.dial(t, f.nodes[0].node).subscribe("cache-news", "")
		pass(time.Second)
		_ = client.conn.CloseNow()
		pass(10 * time.Second)
		f.wants(t, "another came, and the first left", "cache_miss cache-news", "subscription_count cache-news 1",
			"cache_miss cache-news", "subscription_count cache-news 2", "subscription_count cache-news 1")
	})
}

// TestWebhookOfCrowd is told of many subscribers every five seconds.
func TestWebhookOfCrowd(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 1, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{Events: []string{"subscription_count"}})
		n := f.nodes[0]
		id := channel.ID{App: a.id, Name: "news"}
		for i := range 40 {
			n.Follow(id, 101+i)
			pass(500 * time.Millisecond)
		}
		pass(10 * time.Second)
		synctest.Wait()
		got := f.posts.told(t)
		if len(got) < 4 || len(got) > 6 || got[len(got)-1] != "subscription_count news 140" {
			t.Errorf("told %q", got)
		}
		n.Follow(id, 0)
		pass(10 * time.Second)
	})
}

// TestWebhookWithoutPusher is not told anything: there is nothing to sign with. Nor is one that is paused.
func TestWebhookWithoutPusher(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 1, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{})
		n := f.nodes[0]
		a.changed(t, func() error { return n.Store.SwitchPusher(t.Context(), a.scope(), a.id, false) })
		n.Follow(channel.ID{App: a.id, Name: "news"}, 1)
		pass(5 * time.Second)
		f.wants(t, "Pusher is off")
		a.changed(t, func() error { return n.Store.SwitchPusher(t.Context(), a.scope(), a.id, true) })
		n.Follow(channel.ID{App: a.id, Name: "news"}, 0)
		pass(5 * time.Second)
		f.wants(t, "what was never told to be occupied is not vacated", "subscription_count news 0")
	})
}

// TestWebhookIsSignedWithOldestKey keeps to the key that its receiver knows while there is another, until that ends.
func TestWebhookIsSignedWithOldestKey(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 1, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		f.hooked(t, a.app, tenant.WebhookSettings{Events: []string{"cache_miss"}})
		n := f.nodes[0]
		signedBy := func() string {
			n.node.CacheMissed(channel.ID{App: a.id, Name: "cache-news"})
			synctest.Wait()
			return f.posts.accepted[len(f.posts.accepted)-1].Signer.Key
		}
		a.changed(t, func() error { _, err := n.Store.AddPusherKey(t.Context(), a.scope(), a.id); return err })
		if got := signedBy(); got != a.Key {
			t.Errorf("with another key: signed by %s, want %s", got, a.Key)
		}
		var rolled tenant.PusherCredentials
		a.changed(t, func() (err error) {
			rolled, err = n.Store.RollPusherKey(t.Context(), a.scope(), a.id, a.Key, time.Minute)
			return err
		})
		if got := signedBy(); got != a.Key {
			t.Errorf("while it is rolled: signed by %s, want %s", got, a.Key)
		}
		pass(time.Minute)
		if got := signedBy(); got == a.Key || got == rolled.Key {
			t.Errorf("when it has ended: signed by %s, want the key that came after it", got)
		}
	})
}

// TestWebhookThatIsFullHoldsUpNoOtherApp fills the line of one app's endpoint, which is down: another app of the same slots is told.
func TestWebhookThatIsFullHoldsUpNoOtherApp(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 1, func(t *testing.T, f *fleet) {
		down, up := f.newPusherApp(t, "down"), f.newPusherApp(t, "up")
		occupied := tenant.WebhookSettings{Events: []string{"channel_occupied"}}
		f.hooked(t, down.app, occupied)
		n := f.nodes[0]
		f.posts.refusing(true)
		slot := n.SlotOf(up.id, "room")
		count := 0
		for i := 0; count < 20; i++ { // in the slot of the other app's channel
			if name := fmt.Sprint("room", i); n.SlotOf(down.id, name) == slot {
				n.Follow(channel.ID{App: down.id, Name: name}, 1)
				count++
			}
		}
		for i := range 1100 { // anywhere
			n.Follow(channel.ID{App: down.id, Name: fmt.Sprint("crowd", i)}, 1)
		}
		pass(2 * time.Second)
		f.posts.refusing(false)
		f.hooked(t, up.app, occupied)
		n.Follow(channel.ID{App: up.id, Name: "room"}, 1)
		pass(time.Second)
		synctest.Wait()
		if got := f.posts.told(t); !strings.Contains(strings.Join(got, "\n")+"\n", "channel_occupied room\n") {
			t.Errorf("the other app was not told among %d", len(got))
		}
		pass(5 * time.Minute)
		synctest.Wait()
		if got := len(f.posts.told(t)); got != 20+1100+1 {
			t.Errorf("%d were told", got)
		}
	})
}

// TestWebhookEventsAreKinds holds that what an app may choose is what there is.
func TestWebhookEventsAreKinds(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, kind := range webhook.Kinds {
		kinds = append(kinds, string(kind))
	}
	if got, want := strings.Join(tenant.WebhookEvents, " "), strings.Join(kinds, " "); got != want {
		t.Errorf("an app may choose %s, there are %s", got, want)
	}
}
