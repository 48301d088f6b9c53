package pushnode_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/tenant"
)

// limits are what happens at each limit, over everything that meets it.
var limits = map[tenant.LimitName]func(t *testing.T, n *node){
	tenant.LimitMessageBytes:          atMessageBytes,
	tenant.LimitBatch:                 atBatch,
	tenant.LimitChannels:              atChannels,
	tenant.LimitChannelsPerConnection: atChannelsPerConnection,
	tenant.LimitConnections:           atConnections,
	tenant.LimitPublishesPerSecond:    atPublishesPerSecond,
	tenant.LimitMessagesPerMonth:      atMessagesPerMonth,
	tenant.LimitPresenceMembers:       atPresenceMembers,
	tenant.LimitHistoryMessages:       atHistoryMessages,
	tenant.LimitHistoryBytes:          atHistoryBytes,
	tenant.LimitQueueBytes:            atQueueBytes,
	tenant.LimitAPIRequestsPerSecond:  atAPIRequestsPerSecond,
}

func TestLimits(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	for _, spec := range tenant.LimitSpecs() {
		at := limits[spec.Name]
		if at == nil {
			t.Errorf("no test of the limit %s", spec.Name)
			continue
		}
		t.Run(string(spec.Name), func(t *testing.T) { at(t, n) })
	}
}

// expect checks an answer by the error's name, and that the message names the limit where it has one to name.
func (r reply) expect(t *testing.T, what, name, mentions string) {
	t.Helper()
	if r.errorName() != name || name == "" && r.Status >= http.StatusBadRequest {
		t.Errorf("%s: got %d %s, want %q", what, r.Status, r.Text, name)
	}
	if message := r.JSON.in("error").text("message"); name != "" && !strings.Contains(message, mentions) {
		t.Errorf("%s: the message %q does not say %q", what, message, mentions)
	}
}

// expect checks the answer to a command in the same way.
func (o object) expect(t *testing.T, what, name, mentions string) {
	t.Helper()
	fault := o.in("error")
	if fault.text("name") != name || !strings.Contains(fault.text("message"), mentions) {
		t.Errorf("%s: got %v, want %q, saying %q", what, o, name, mentions)
	}
}

// text is a JSON text of so many bytes.
func text(bytes int) string { return `"` + strings.Repeat("x", bytes-2) + `"` }

func atMessageBytes(t *testing.T, n *node) {
	a := n.newApp(t, "bytes", tenant.Overrides{tenant.LimitMessageBytes: 100})
	const path, says = "/v1/channels/news/messages", "message_bytes is 100"
	fits := fmt.Sprintf(`"event":"e","data":%s`, text(99))
	over := fmt.Sprintf(`"event":"e","data":%s`, text(100))
	a.call(t, http.MethodPost, path, "{"+fits+"}").expect(t, "publish", "", "")
	a.call(t, http.MethodPost, path, "{"+over+"}").expect(t, "publish", "message_too_large", says)
	got := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channel":"news",`+over+`},{"channel":"news",`+fits+`}]}`)
	results := got.JSON.list("results")
	results[0].expect(t, "batch", "message_too_large", says)
	results[1].expect(t, "batch", "", "")
	s, connected := n.dial(t, a.secret)
	if got := connected.in("limits").number("message_bytes"); got != 100 {
		t.Errorf("the client is told of %d bytes", got)
	}
	s.ask("publish", `"channel":"news",`+fits).expect(t, "socket", "", "")
	s.ask("publish", `"channel":"news",`+over).expect(t, "socket", "message_too_large", says)
	s.send(`{"op":"publish","channel":"news","data":` + text(5000) + `}`)
	if code := s.closing(); code != 4014 {
		t.Errorf("a frame beyond the envelope closes with %d, want 4014", code)
	}
	if held := a.history(t, "news"); len(held) != 3 {
		t.Errorf("the channel holds %d messages, want the 3 that fit", len(held))
	}
}

func atBatch(t *testing.T, n *node) {
	a := n.newApp(t, "batch", tenant.Overrides{tenant.LimitBatch: 2})
	a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channels":["a","b"],"data":1}]}`).expect(t, "two", "", "")
	for name, body := range map[string]string{
		"three messages": `{"messages":[{"channel":"a","data":1},{"channel":"b","data":1},{"channel":"a","data":1}]}`,
		"three channels": `{"messages":[{"channels":["a","b"],"data":1},{"channel":"a","data":1}]}`,
	} {
		a.call(t, http.MethodPost, "/v1/messages", body).expect(t, name, "invalid_field", "2")
	}
	if held := a.history(t, "a"); len(held) != 1 {
		t.Errorf("the channel holds %v: a refused batch was published in part", held)
	}
}

func atChannels(t *testing.T, n *node) {
	a := n.newApp(t, "channels", tenant.Overrides{tenant.LimitChannels: 1})
	const says = "channels of 1"
	a.publish(t, "one", 1)
	a.call(t, http.MethodPost, "/v1/channels/two/messages", `{"data":1}`).expect(t, "publish", "limit_exceeded", says)
	got := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channels":["two","one"],"data":1}]}`).JSON.list("results")
	got[0].expect(t, "batch", "limit_exceeded", says)
	got[1].expect(t, "batch", "", "")
	s, _ := n.dial(t, a.secret)
	s.ask("publish", `"channel":"two","data":1`).expect(t, "socket", "limit_exceeded", says)
	s.ask("enter", `"channel":"two"`).expect(t, "socket", "limit_exceeded", says)
	s.ask("enter", `"channel":"one"`).expect(t, "socket", "", "")
	s.ask("subscribe", `"channel":"two"`).expect(t, "to follow begins no channel", "", "")
}

func atChannelsPerConnection(t *testing.T, n *node) {
	a := n.newApp(t, "follows", tenant.Overrides{tenant.LimitChannelsPerConnection: 2})
	const three, says = "?channel=a&channel=b&channel=c", "2 channels"
	a.call(t, http.MethodGet, "/v1/sse"+three, "").expect(t, "event stream", "limit_exceeded", says)
	a.call(t, http.MethodGet, "/v1/poll"+three, "").expect(t, "poll", "limit_exceeded", says)
	a.call(t, http.MethodGet, "/v1/poll?channel=a&channel=b&channel=a&wait=0s", "").expect(t, "two, one of them twice", "", "")
	s, connected := n.dial(t, a.secret)
	if got := connected.in("limits").number("channels"); got != 2 {
		t.Errorf("the client is told of %d channels", got)
	}
	for _, name := range []string{"a", "b", "a"} {
		s.ask("subscribe", fmt.Sprintf(`"channel":%q`, name)).expect(t, "subscribe to "+name, "", "")
	}
	s.ask("subscribe", `"channel":"c"`).expect(t, "subscribe to c", "limit_exceeded", says)
	s.ask("unsubscribe", `"channel":"a"`).expect(t, "unsubscribe", "", "")
	s.ask("subscribe", `"channel":"c"`).expect(t, "subscribe to c, once there is room", "", "")
	for _, name := range []string{"a", "b", "b"} {
		s.ask("enter", fmt.Sprintf(`"channel":%q`, name)).expect(t, "enter "+name, "", "")
	}
	s.ask("enter", `"channel":"c"`).expect(t, "enter c", "limit_exceeded", says)
}

func atPresenceMembers(t *testing.T, n *node) {
	a := n.newApp(t, "members", tenant.Overrides{tenant.LimitPresenceMembers: 1})
	first, _ := n.dial(t, a.secret)
	first.ask("enter", `"channel":"room","data":1`).expect(t, "enter", "", "")
	first.ask("update", `"channel":"room","data":2`).expect(t, "update where it is full", "", "")
	const says = "presence_members of 1"
	second, _ := n.dial(t, a.secret)
	second.ask("enter", `"channel":"room"`).expect(t, "enter where it is full", "presence_full", says)
	body := fmt.Sprintf(`{"session":%q,"commands":[{"op":"enter","ref":1,"channel":"room"}]}`, a.session(t))
	a.call(t, http.MethodPost, "/v1/commands", body).JSON.list("replies")[0].expect(t, "commands", "presence_full", says)
	first.ask("leave", `"channel":"room"`).expect(t, "leave", "", "")
	second.ask("enter", `"channel":"room"`).expect(t, "enter once there is room", "", "")
}

func atHistoryMessages(t *testing.T, n *node) {
	a := n.newApp(t, "messages", tenant.Overrides{tenant.LimitHistoryMessages: 3})
	a.publishMany(t, "news", 10, text(20))
	if held := a.history(t, "news"); len(held) != 3 || held[0].number("offset") != 8 {
		t.Errorf("the channel holds %v, want the last 3", held)
	}
	more := channel.DefaultRetention
	more.Messages = 4
	if err := n.Store.SetRule(t.Context(), a.scope(), a.id, channel.Rule{Retention: more}); err == nil {
		t.Error("a rule may keep more than the limit")
	}
}

func atHistoryBytes(t *testing.T, n *node) {
	a := n.newApp(t, "kilobytes", tenant.Overrides{tenant.LimitHistoryBytes: 3000})
	a.publishMany(t, "news", 10, text(1000))
	held := a.history(t, "news")
	kept := a.call(t, http.MethodGet, "/v1/channels/news", "").JSON.in("history")
	if len(held) != 2 || kept.number("messages") != 2 || kept.number("bytes") > 3000 {
		t.Errorf("the channel holds %d messages and says %v, want the last 2, within 3000 bytes", len(held), kept)
	}
	body := `{"data":` + text(5000) + `}`
	a.call(t, http.MethodPost, "/v1/channels/big/messages", body).expect(t, "larger than all that is kept", "", "")
}

// publishMany publishes a JSON text so many times.
func (a *app) publishMany(t *testing.T, name string, count int, data string) {
	t.Helper()
	for i := range count {
		body := fmt.Sprintf(`{"id":%q,"data":%s}`, "m-"+strconv.Itoa(i), data)
		if got := a.call(t, http.MethodPost, "/v1/channels/"+name+"/messages", body); got.Status != http.StatusCreated {
			t.Fatalf("publish: %d %s", got.Status, got.Text)
		}
	}
}
