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

// TestInquestAfterALostMajority has a member whose session was lost with the majority of its slot: it leaves sooner than others would.
func TestInquestAfterALostMajority(t *testing.T) {
	p := newHosts(t, 3, 3)
	p.pass(10_000)
	a := p.nodes[0]
	room := channel.ID{App: "app", Name: "room"}
	slot := a.SlotOf(room.App, room.Name)
	ghost := channel.EnterPresence{Channel: room, ClientID: "ada", Session: "ses_lost", Generation: 1}
	if came := p.ask(a, slot, ghost, 1000); came == nil || came.Err != nil {
		t.Fatalf("enter: %+v", came)
	}
	members := func() int {
		came := p.query(a, slot, channel.MembersQuery{Channel: room}, 1000)
		if came == nil || came.Err != nil {
			t.Fatalf("members: %+v", came)
		}
		return len(came.Answer.(channel.MemberSet).Members)
	}
	p.pass(1000)
	p.sever(a, p.nodes[1])
	p.sever(a, p.nodes[2])
	if err := a.Recover(p.now, []uint64{2, 3}); err != nil {
		t.Fatal(err)
	}
	p.pass(30_000)
	if got := members(); got != 1 {
		t.Errorf("%d members before sessions could be attached again, want the one", got)
	}
	p.pass(15_000)
	if got := members(); got != 0 {
		t.Errorf("%d members, want none: nobody is it", got)
	}
}
