package host_test

import (
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// TestSurvivorOfTwo kills either of two nodes: the other one goes on at once where the address refuses, and nobody is told of a gap.
func TestSurvivorOfTwo(t *testing.T) {
	for _, victim := range []uint64{1, 2} {
		m := newMesh(t, 2, host.Available)
		survivor := 3 - victim
		at := m.mustPublish(1, "a")
		m.kill(victim)
		m.at(survivor).Refused(m.now, victim)
		m.leads(survivor, true)
		if reply := m.publish(survivor, "b"); reply.Err != nil || reply.Copies != 1 {
			t.Fatalf("publish alone: %+v", reply)
		}
		if got := m.backlog(survivor, at); got.Gap != nil || !slices.Equal(ids(got), []string{"b"}) {
			t.Errorf("after the loss of %d: %+v", victim, got)
		}
		ahead := at
		ahead.Offset++
		if got := m.backlog(survivor, ahead); got.Gap == nil || got.Gap.Reason != channel.ReasonUnknownEpoch {
			t.Errorf("a position that only another history can have told: %+v", got)
		}
	}
}

// TestSilenceOfTwo cuts two nodes apart without a word: the older one goes on after three seconds, the other one says what it waits for.
func TestSilenceOfTwo(t *testing.T) {
	m := newMesh(t, 2, host.Available)
	m.cut(1, 2)
	m.pass(2_900)
	if m.at(1).Status(0).Generation != 0 {
		t.Fatal("the older one went on too soon")
	}
	m.pass(1_000)
	m.leads(1, true)
	if status := m.at(2).Status(0); status.Lost || !status.Stuck || !slices.Equal(status.Waits, []uint64{1}) {
		t.Errorf("the younger one: %+v", status)
	}
	if reply := m.publish(2, "a"); reply.Err == nil {
		t.Errorf("the younger one took a message: %+v", reply)
	}
}

// TestStrictWaitsForProof loses one of two nodes, with evidence only, and with proof.
func TestStrictWaitsForProof(t *testing.T) {
	m := newMesh(t, 2, host.Strict)
	m.kill(2)
	m.at(1).Refused(m.now, 2)
	m.pass(10_000)
	if status := m.at(1).Status(0); status.Generation != 0 || status.Settled && status.Leads {
		t.Fatalf("it went on without proof: %+v", status)
	}
	m.bury(1, 2)
	m.leads(1, true)
}

// TestMoreThanTwoNeedProof has two of three nodes silent and refusing: that is no proof, and the operator's word is.
func TestMoreThanTwoNeedProof(t *testing.T) {
	m := newMesh(t, 3, host.Available)
	m.mustPublish(1, "a")
	m.kill(2, 3)
	m.at(1).Refused(m.now, 2)
	m.at(1).Refused(m.now, 3)
	m.bury(1, 2)
	m.pass(5_000)
	if status := m.at(1).Status(0); status.Lost || status.Generation != 0 || !status.Stuck || !slices.Equal(status.Waits, []uint64{3}) {
		t.Fatalf("one of three is proven dead: %+v", status)
	}
	if err := m.at(1).Recover(m.now, []uint64{1, 3}); err == nil {
		t.Error("the operator may call the node dead that is asked")
	}
	if err := m.at(1).Recover(m.now, []uint64{3}); err != nil {
		t.Fatal(err)
	}
	m.leads(1, true)
}

// lose takes three of five nodes away, after the fifth has missed a message that the others have. The two that are left are linked.
func lose(t *testing.T) *mesh {
	m := newMesh(t, 5, host.Available)
	m.mustPublish(4, "before")
	for other := uint64(1); other <= 4; other++ {
		m.cut(5, other)
	}
	m.pass(3_000)
	m.mustPublish(4, "missed")
	m.kill(1, 2, 3)
	m.mend(4, 5)
	return m
}

// TestMostCompleteLogGoesOn has either survivor learn of the deaths first: the one with more in its log recovers the slot.
func TestMostCompleteLogGoesOn(t *testing.T) {
	for _, first := range []uint64{4, 5} {
		m := lose(t)
		m.bury(first, 1, 2, 3)
		m.pass(500)
		m.bury(9-first, 1, 2, 3)
		m.pass(3_000)
		m.leads(4, true)
		if got := m.backlog(5, channel.Position{Epoch: channel.Epoch{Cluster: 1, Incarnation: 1}}); !slices.Contains(ids(got), "missed") || got.Gap == nil {
			t.Errorf("%d knew first: %+v", first, got)
		}
	}
}

// TestProofIsPassedOn tells one survivor alone of the deaths, the one with less in its log: what it asks with tells the other.
func TestProofIsPassedOn(t *testing.T) {
	m := lose(t)
	m.bury(5, 1, 2, 3)
	m.pass(4_000)
	m.leads(4, true)
}

// TestOneOfTwoAsks has both survivors ask at the same moment with equal logs: one generation comes of it.
func TestOneOfTwoAsks(t *testing.T) {
	m := newMesh(t, 5, host.Available)
	m.kill(1, 2, 3)
	m.bury(4, 1, 2, 3) // its frames are under way
	m.bury(5, 1, 2, 3)
	m.deliver()
	m.leads(4, true) // of equals the lower instance
	m.pass(2_000)
	if here, there := m.at(4).Status(0).Generation, m.at(5).Status(0).Generation; here != there {
		t.Fatalf("generations %d and %d", here, there)
	}
	m.mustPublish(5, "a")
}

// TestLivingAreNotBuried has one survivor believe that three are dead, while the other one holds a link to one of them.
func TestLivingAreNotBuried(t *testing.T) {
	m := newMesh(t, 5, host.Available)
	for dead := uint64(1); dead <= 3; dead++ {
		m.cut(4, dead)
	}
	m.bury(4, 1, 2, 3)
	m.pass(10_000)
	for i, h := range m.hosts {
		if status := h.Status(0); status.Generation != 0 {
			t.Fatalf("at %d: %+v", i+1, status)
		}
	}
	m.mustPublish(5, "a")
}

// TestWhoStoppedGoesOn loses the asker, or all that it says after its ask: whoever has stopped takes part again.
func TestWhoStoppedGoesOn(t *testing.T) {
	const kindAsk, kindTell = 11, 12
	m := newMesh(t, 5, host.Available)
	m.kill(1, 2, 3)
	m.drop = func(_, _ uint64, frame []byte) bool { return frame[0] == kindTell }
	m.bury(4, 1, 2, 3)
	m.deliver()
	if m.at(5).BoundTo(0) != 4 {
		t.Fatal("it has not stopped for the asker")
	}
	m.cut(4, 5)
	if m.at(5).BoundTo(0) != 0 {
		t.Fatal("it is still stopped without a link to the asker")
	}
	m.mend(4, 5)
	m.pass(400)
	m.drop = func(_, _ uint64, frame []byte) bool { return frame[0] == kindTell || frame[0] == kindAsk }
	m.pass(2_500)
	if m.at(5).BoundTo(0) != 0 {
		t.Fatal("it is still stopped though the asker says nothing any more")
	}
	m.drop = nil
	m.kill(4)
	m.bury(5, 4)
	m.pass(1_000)
	m.leads(5, true)
}

// TestStoppedTakesNothingIn wants a copy that has told what it holds to take nothing of the old generation.
func TestStoppedTakesNothingIn(t *testing.T) {
	const kindRaft = 1
	m := newMesh(t, 5, host.Available)
	var late [][]byte
	m.drop = func(from, to uint64, frame []byte) bool {
		hold := to == 5 && frame[0] == kindRaft
		if hold && from <= 3 {
			late = append(late, frame)
		}
		return hold
	}
	leader := m.at(4).Status(0).Leader
	if leader > 3 {
		t.Fatalf("%d leads; the test wants a leader that it can kill", leader)
	}
	m.mustPublish(leader, "late")
	m.kill(1, 2, 3)
	m.drop = func(_, to uint64, frame []byte) bool { return to == 4 && frame[0] == 12 }
	m.bury(4, 1, 2, 3)
	m.deliver()
	_, before := m.at(5).LastOf(0)
	for _, frame := range late {
		if err := m.at(5).Receive(m.now, leader, frame); err != nil {
			t.Fatal(err)
		}
	}
	if _, after := m.at(5).LastOf(0); after != before || len(late) == 0 {
		t.Errorf("it held %d entries when it was asked, and holds %d: %d frames came late", before, after, len(late))
	}
}

// TestNobodyHoldsTheSlot loses every copy of a slot: a node that never had one begins it anew, and every position is answered with a gap.
func TestNobodyHoldsTheSlot(t *testing.T) {
	m := newMesh(t, 3, host.Available)
	at := m.mustPublish(1, "a")
	two := host.New(m.config(4), meshEnd{mesh: m, self: 4})
	m.hosts = append(m.hosts, two)
	two.SetView(m.now, []host.Node{{Instance: 4, Name: "node4"}})
	for other := uint64(1); other <= 3; other++ {
		two.PeerUp(m.now, other)
		m.at(other).PeerUp(m.now, 4)
	}
	m.pass(200)
	m.kill(1, 2, 3)
	m.bury(4, 1, 2)
	m.pass(2_000)
	if status := two.Status(0); status.Leads || !status.Lost || !slices.Equal(status.Waits, []uint64{3}) {
		t.Fatalf("one may live: %+v", status)
	}
	m.bury(4, 3)
	m.leads(4, true)
	for _, offset := range []uint64{0, 1, 2} {
		at.Offset = offset
		if got := m.backlog(4, at); got.Gap == nil {
			t.Errorf("offset %d: %+v", offset, got)
		}
	}
}
