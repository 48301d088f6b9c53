package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hush is in every name and every text of the victim.
const hush = "hush"

// victim is an app with a bit of everything, whose ids another app tries.
type victim struct {
	*app
	socket *socket // of a client that follows and is present
	public string  // id of its session
	resume string  // the token that resumes it
	parked string  // the token of a session without a connection
	at     string  // the position of the last message
	signed string  // a token of its own
}

func newVictim(t *testing.T, n *node) *victim {
	t.Helper()
	v := &victim{app: n.newApp(t, hush, nil)}
	v.signed = v.token(t, `{"client_id":"hush-client","capabilities":{"*":["subscribe","publish","presence"]}}`)
	var connected object
	v.socket, connected = n.dial(t, v.signed)
	v.public, v.resume, v.parked = connected.text("session"), connected.text("resume"), v.session(t)
	v.socket.ask("subscribe", `"channel":"hush-channel","presence":true`)
	v.socket.ask("enter", `"channel":"hush-channel","data":"hush"`)
	v.socket.next("presence")
	for i := range 3 {
		body := fmt.Sprintf(`{"event":"hush","id":"hush-message-%d","data":"hush"}`, i)
		held := v.call(t, http.MethodPost, "/v1/channels/hush-channel/messages", body).JSON
		v.at = fmt.Sprintf("%s:%d", held.text("epoch"), held.number("offset"))
		v.socket.message()
	}
	settled := until(func() bool { // what was written is counted a moment later
		current := n.Meter.Current(v.id, time.Now())
		return current.Month.Deliveries == 3 && current.Connections == 1
	})
	if !settled {
		t.Fatal("the deliveries were not counted")
	}
	return v
}

// state is all that another app might change.
func (v *victim) state(t *testing.T) string {
	t.Helper()
	var state strings.Builder
	for _, path := range []string{"/v1/channels", "/v1/channels/hush-channel/messages", "/v1/channels/hush-channel/presence"} {
		state.WriteString(v.call(t, http.MethodGet, path, "").Text + "\n")
	}
	current := v.node.Meter.Current(v.id, time.Now())
	fmt.Fprintf(&state, "%+v, %d connections", current.Month, current.Connections)
	return state.String()
}

// foreign is an id of the victim and one of the same kind that nobody has.
type foreign struct{ theirs, nobodys string }

// ids are what the parameters and fields of a name can be given. Those without any name nothing that an app could own.
func (v *victim) ids() map[string][]foreign {
	const none = "ses_00000000000000000000000000"
	channels := []foreign{{"hush-channel", "nobodys-channel"}}
	sessions := []foreign{
		{v.public, none}, {v.resume, none + v.resume[len(none):]}, {v.parked, none + v.parked[len(none):]},
	}
	cursors := []foreign{{"hush-channel*" + v.at, "nobodys-channel*" + v.at}}
	return map[string][]foreign{
		"channel": channels, "channels": channels, "prefix": channels, "capabilities": channels,
		"cursor": cursors, "Last-Event-ID": cursors, "since": {{v.at, v.at + "000"}},
		"session": sessions, "exclude": sessions,
		"client_id": {{"hush-client", "nobodys-client"}}, "id": {{"hush-message-0", "nobodys-message"}},
		"limit": nil, "by": nil, "direction": nil, "rewind": nil, "wait": nil, "presence": nil,
		"event": nil, "data": nil, "ttl": nil, "messages": nil, "commands": nil,
	}
}

// TestForeignIDs calls every operation of the specification with every id of another app that fits: the answers are those for ids
// that nobody has, show nothing of the other app, and change and cost it nothing.
func TestForeignIDs(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	v := newVictim(t, n)
	before := v.state(t)
	known := must(specified())(t)
	for path, item := range known.spec.Paths.Map() {
		for method, operation := range item.Operations() {
			a := n.newApp(t, operation.OperationID, nil)
			for _, place := range places(t, v.ids(), item, operation) {
				at := fmt.Sprintf("%s %s with %s", method, path, place.name)
				theirs := a.intrude(t, method, path, place, place.id.theirs)
				nobodys := a.intrude(t, method, path, place, place.id.nobodys)
				if theirs != nobodys {
					t.Errorf("%s %q: got\n%s\nwhich differs from the answer for an id that nobody has:\n%s",
						at, place.id.theirs, theirs, nobodys)
				}
				if strings.Contains(theirs, hush) {
					t.Errorf("%s %q: the answer shows something of the other app: %s", at, place.id.theirs, theirs)
				}
			}
		}
	}
	if after := v.state(t); after != before {
		t.Errorf("the other app was\n%s\nand is\n%s", before, after)
	}
	v.publish(t, "hush-channel", "still here")
	if got := v.socket.message(); got.text("data") != "still here" {
		t.Errorf("its connection brings %v", got)
	}
	for _, resume := range []string{v.resume, v.parked} {
		credential := "Bearer " + v.signed
		if resume == v.parked {
			credential = "Bearer " + v.secret
		}
		got := n.call(t, http.MethodGet, "/v1/poll?wait=0s&session="+resume, "", credential)
		if connected := got.JSON.in("connected"); connected["resumed"] != true {
			t.Errorf("its session does not resume: %s", got.Text)
		}
	}
}
