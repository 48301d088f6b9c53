package host_test

import (
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// An earlier leader begins to send its state while that of the next one arrives, in several parts: the copy gets the whole of it all the
// same. Nobody would send it again.
func TestStatesOfTwoLeadersDoNotMix(t *testing.T) {
	p := newHosts(t, 3, 3)
	slot := p.nodes[0].SlotOf(room1.App, room1.Name)
	p.pass(10_000)
	late := p.nodes[2]
	p.sever(p.nodes[0], late)
	p.sever(p.nodes[1], late)
	p.pass(15_000)

	// It is no voter any more, and gets a whole state when it is back.
	for i := range 40 { // 2.4 MB: three parts
		publish := channel.Publish{
			Channel: room1, ID: fmt.Sprint("m", i), Data: make([]byte, 60_000), Retention: channel.Retention{Messages: 100, Bytes: 4 << 20, Age: 1e9},
		}
		if reply := p.ask(p.nodes[0], slot, publish, 1000); reply == nil || reply.Err != nil {
			t.Fatalf("publish: %+v", reply)
		}
	}
	begun := 0
	p.after = func(c carried) {
		if part, begins := host.IsPart(c.frame); part && begins && len(c.frame) > 1<<20 {
			begun++
			earlier := 3 - c.from // the other of the two that were there: its state begins, and never ends
			_ = p.nodes[c.to-1].Receive(p.now, earlier, slices.Clone(c.frame))
		}
	}
	p.mend(p.nodes[0], late)
	p.mend(p.nodes[1], late)
	p.pass(20_000)
	if begun == 0 {
		t.Fatal("no state was sent in parts")
	}
	_, want := p.nodes[0].LastOf(slot)
	if _, got := late.LastOf(slot); got != want {
		t.Errorf("the copy that was away holds the log up to %d, the others up to %d", got, want)
	}
}
