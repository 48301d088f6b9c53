package host_test

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// TestInquest has members whose session lives, and more whose session never was than are asked about at a time: those leave, once a
// minute after they entered, and the others stay.
func TestInquest(t *testing.T) {
	a, _ := newSpeakers()
	if err := a.host.Found(0); err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	pass := func(seconds int64) {
		for until := now + 1000*seconds; now < until; now += 50 {
			a.host.Tick(now)
		}
	}
	propose := func(command channel.Command) {
		a.host.Propose(now, 0, command, now+1000, func(reply host.Reply) {
			if reply.Err != nil {
				t.Errorf("%T: %v", command, reply.Err)
			}
		})
	}
	room := channel.ID{App: "app", Name: "room"}
	const living, ghosts = 80, 200
	for i := range living + ghosts {
		session := fmt.Sprint("ses_", i)
		if i < living {
			propose(channel.AttachSession{App: "app", Session: session, Create: true, Edge: 1})
			propose(channel.UpdateSession{App: "app", Session: session, Generation: 1, Presence: []string{room.Name}})
		}
		propose(channel.EnterPresence{Channel: room, ClientID: fmt.Sprint(i % 7), Session: session, Generation: 1})
	}
	members := func() (count int) {
		a.host.Query(now, 0, channel.MembersQuery{Channel: room}, now+1000, func(reply host.Reply) {
			count = len(reply.Answer.(channel.MemberSet).Members)
		})
		return count
	}
	pass(59)
	if got := members(); got != living+ghosts {
		t.Errorf("%d members before a minute is over, want all %d", got, living+ghosts)
	}
	pass(70)
	if got := members(); got != living {
		t.Errorf("%d members after two minutes, want the %d who live", got, living)
	}
	pass(120)
	if got := members(); got != living {
		t.Errorf("%d members at last, want the %d who live", got, living)
	}
}
