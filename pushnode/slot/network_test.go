package slot_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// network is the copies of one slot and the messages between them, each by its encoding. One delivery after the other, in order:
// what happens follows from what the test does.
type network struct {
	t      fataler
	change func(*slot.Config)
	copies []*slot.Slot // instance i+1 at i
	down   map[uint64]bool
	queue  []slot.Message
	now    int64

	outcomes []slot.Outcome
	effects  [][]channel.Effect // of each copy
	restored []int              // times that each copy took a snapshot
	lost     int                // snapshots that reached nobody
	passed   *[]slot.Message    // not nil: all that was delivered
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// newNetwork founds a slot with so many voters.
func newNetwork(t fataler, size int, change func(*slot.Config)) *network {
	t.Helper()
	n := &network{t: t, change: change, down: map[uint64]bool{}, now: 1000}
	var voters []uint64
	for i := range size {
		voters = append(voters, uint64(i+1))
	}
	for range voters {
		n.add(slot.Config{Voters: voters})
	}
	return n
}

// add starts a copy of the next instance, and returns its id.
func (n *network) add(config slot.Config) uint64 {
	n.t.Helper()
	config.Self = uint64(len(n.copies) + 1)
	n.copies, n.effects, n.restored = append(n.copies, nil), append(n.effects, nil), append(n.restored, 0)
	n.start(config)
	return config.Self
}

// start starts a copy in the place of one that there was. An empty one is in a life that no leader gives unless config says.
func (n *network) start(config slot.Config) {
	n.t.Helper()
	config.ID, config.Cluster = 7, 1
	if len(config.Voters) == 0 && config.Life == 0 {
		config.Life = 1
	}
	if n.change != nil {
		n.change(&config)
	}
	one, err := slot.New(config)
	if err != nil {
		n.t.Fatal(err)
	}
	n.copies[config.Self-1] = one
}

func (n *network) at(instance uint64) *slot.Slot { return n.copies[instance-1] }

// settle lets every copy that is up do what it can, and delivers messages until there are none.
func (n *network) settle() {
	for {
		for i, one := range n.copies {
			if !n.down[uint64(i+1)] {
				n.collect(i, one.Advance())
			}
		}
		if len(n.queue) == 0 {
			return
		}
		n.deliver()
	}
}

func (n *network) collect(i int, out slot.Output) {
	n.t.Helper()
	if err := n.copies[i].Fault(); err != nil {
		n.t.Fatal(err)
	}
	n.queue = append(n.queue, out.Messages...)
	n.outcomes = append(n.outcomes, out.Outcomes...)
	if out.Restored {
		n.restored[i]++
		n.effects[i] = nil
	}
	n.effects[i] = append(n.effects[i], out.Effects...)
}

func (n *network) deliver() {
	messages := n.queue
	n.queue = nil
	if n.passed != nil {
		*n.passed = append(*n.passed, messages...)
	}
	for _, m := range messages {
		reached := !n.down[m.To()] && !n.down[m.From()]
		if reached {
			if err := n.step(m); err != nil {
				n.t.Fatalf("from %d to %d: %v", m.From(), m.To(), err)
			}
		} else {
			n.at(m.From()).Unreachable(m.To())
		}
		if m.Snapshot() {
			n.at(m.From()).SnapshotDone(m.To(), reached)
		}
		if m.Snapshot() && !reached {
			n.lost++
		}
	}
}

// step encodes the message, decodes it and hands it to its receiver, which begins an empty copy where the message wants a later life.
// What is for another life has no effect; what comes from, or for, a copy that was removed is no mistake.
func (n *network) step(m slot.Message) error {
	read, err := slot.DecodeMessage(7, m.Append(nil))
	if err != nil || !slot.Same(m, read) {
		n.t.Fatalf("a message from %d to %d is another after its encoding: %v", m.From(), m.To(), err)
	}
	status := n.at(m.To()).Status()
	if read.Begins() && read.Generation() == status.Generation && slot.Later(read.Life(), status.Life) {
		n.start(slot.Config{Self: m.To(), Life: read.Life(), Generation: status.Generation})
		status = n.at(m.To()).Status()
	}
	err = n.at(m.To()).Step(read)
	if read.Life() != status.Life {
		if err == nil {
			n.t.Fatalf("instance %d took in what is for life %d in life %d", m.To(), read.Life(), status.Life)
		}
		return nil
	}
	if err != nil && !slices.Contains(members(n.at(m.To()).Copies()), m.From()) {
		return nil
	}
	return err
}

func members(copies slot.Copies) []uint64 { return slices.Concat(copies.Voters, copies.Learners) }

// tick lets so many ticks pass on the copies that are up.
func (n *network) tick(count int) {
	for range count {
		for i, one := range n.copies {
			if !n.down[uint64(i+1)] {
				one.Tick()
			}
		}
		n.settle()
	}
}

// suspect tells all copies that are up that the leader is gone.
func (n *network) suspect() {
	n.t.Helper()
	for i, one := range n.copies {
		if !n.down[uint64(i+1)] {
			if err := one.SuspectLeader(); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

// lead makes an instance the leader; the others have been told that the old one is gone.
func (n *network) lead(instance uint64) {
	n.t.Helper()
	n.suspect()
	if err := n.at(instance).Campaign(); err != nil {
		n.t.Fatal(err)
	}
	n.settle()
	if status := n.at(instance).Status(); !status.Leads || !status.Settled {
		n.t.Fatalf("instance %d does not lead: %+v", instance, status)
	}
}

// publish proposes one publish at an instance, and returns its ticket.
func (n *network) publish(instance uint64, name, id string, data []byte) (uint64, error) {
	n.now++
	return n.at(instance).Propose(n.now, []channel.Command{channel.Publish{
		Channel: channel.ID{App: "app", Name: name}, ID: id, Event: "e", Data: data,
		Retention: channel.Retention{Messages: 5, Bytes: 1 << 20, Age: channel.DefaultRetention.Age},
	}})
}

// mustPublish publishes and wants the acknowledgement.
func (n *network) mustPublish(instance uint64, name, id string, data []byte) channel.Result {
	n.t.Helper()
	ticket, err := n.publish(instance, name, id, data)
	if err != nil {
		n.t.Fatal(err)
	}
	n.settle()
	i := slices.IndexFunc(n.outcomes, func(o slot.Outcome) bool { return o.Ticket == ticket })
	if i < 0 {
		n.t.Fatalf("ticket %d of instance %d has no outcome", ticket, instance)
	}
	result := n.outcomes[i].Results[0]
	n.outcomes = nil
	if result.Err != nil {
		n.t.Fatal(result.Err)
	}
	return result
}

// equal wants all copies that are up, and that the leader counts as such, at the same entry with the same state and configuration.
func (n *network) equal() {
	n.t.Helper()
	var first []byte
	var applied, hash uint64
	leader := slices.IndexFunc(n.copies, func(one *slot.Slot) bool {
		return one.Status().Settled && !n.down[one.Status().Self]
	})
	if leader < 0 {
		n.t.Fatal("nobody leads")
	}
	copies := n.copies[leader].Copies()
	for i, one := range n.copies {
		if n.down[uint64(i+1)] || !slices.Contains(members(copies), uint64(i+1)) {
			continue
		}
		if got := one.Copies(); fmt.Sprint(got) != fmt.Sprint(copies) {
			n.t.Fatalf("instance %d knows of the copies %v, the leader of %v", i+1, got, copies)
		}
		status := one.Status()
		state := channel.AppendSnapshot(nil, one.State())
		if first == nil {
			first, applied, hash = state, status.Applied, status.Hash
		}
		if status.Applied != applied || status.Hash != hash || !slices.Equal(state, first) {
			n.t.Fatalf("instance %d is at %d with hash %x, another at %d with %x",
				i+1, status.Applied, status.Hash, applied, hash)
		}
	}
}

func TestThreeCopies(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	for i := range 20 {
		n.mustPublish(1, "room", fmt.Sprint(i), []byte("1"))
	}
	n.equal()
	for i := range n.copies {
		if got := len(n.effects[i]); got != 20 {
			t.Errorf("instance %d had %d effects, want 20", i+1, got)
		}
	}
	if _, err := n.publish(2, "room", "x", nil); !errors.Is(err, slot.ErrNotLeader) {
		t.Errorf("a follower took a proposal: %v", err)
	}
	for _, one := range n.copies[1:] {
		if status := one.Status(); status.Leads || status.Settled || status.Leader != 1 {
			t.Errorf("a follower says %+v", status)
		}
	}
}

// TestLeaderLost loses the leader with a message that only it has, and one that a majority has but it does not know of.
func TestLeaderLost(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)

	// The entry reaches instance 2; the answer does not come back.
	ticket, err := n.publish(1, "room", "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.collect(0, n.at(1).Advance())
	n.down[3] = true
	n.deliver()
	n.down[1], n.down[3] = true, false
	n.settle()

	// Only instance 1 has this one.
	if _, err := n.publish(1, "room", "c", nil); err != nil {
		t.Fatal(err)
	}
	n.at(1).Advance()

	n.lead(2) // instance 3 could not: its log is shorter
	if slices.ContainsFunc(n.outcomes, func(o slot.Outcome) bool { return o.Ticket == ticket }) {
		t.Error("another copy's ticket came out of a copy that did not give it")
	}
	if got := n.mustPublish(2, "room", "b", nil); !got.Duplicate || got.Position.Offset != 2 {
		t.Errorf("the message that a majority had: %+v, want the duplicate of offset 2", got)
	}
	if got := n.mustPublish(2, "room", "d", nil); got.Position.Offset != 3 {
		t.Errorf("the next message: %+v, want offset 3", got)
	}
	n.equal()

	// The old leader comes back, lets its tail go, and is level.
	n.down[1] = false
	n.tick(3)
	n.equal()
	if status := n.at(1).Status(); status.Leads || status.Leader != 2 {
		t.Errorf("the old leader says %+v", status)
	}
	if got := n.mustPublish(2, "room", "c", nil); got.Duplicate || got.Position.Offset != 4 {
		t.Errorf("the message that only the old leader had: %+v, want a new offset 4", got)
	}
	n.equal()
}

// TestShorterLogDoesNotLead holds that an acknowledged message cannot be lost by an election.
func TestShorterLogDoesNotLead(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.down[3] = true
	n.mustPublish(1, "room", "a", nil)
	n.down[1], n.down[3] = true, false
	for _, instance := range []uint64{2, 3} {
		if err := n.at(instance).SuspectLeader(); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.at(3).Campaign(); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if n.at(3).Status().Leads {
		t.Fatal("a copy without the acknowledged message leads")
	}
	n.lead(2)
	n.equal()
}

// TestCatchUp brings a copy level that was away: by the log while that reaches back, by a snapshot else.
func TestCatchUp(t *testing.T) {
	for _, test := range []struct {
		name      string
		missed    int
		snapshots int
	}{
		{name: "log", missed: 10, snapshots: 0},
		{name: "snapshot", missed: 200, snapshots: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t, 3, func(c *slot.Config) { c.LogEntries = 50 })
			n.lead(1)
			n.mustPublish(1, "room", "first", nil)
			n.down[3] = true
			for i := range test.missed {
				n.mustPublish(1, fmt.Sprint("room", i%7), fmt.Sprint(i), make([]byte, 100))
			}
			n.tick(5)
			n.down[3] = false
			n.tick(5)
			n.equal()
			if n.restored[2] != test.snapshots {
				t.Errorf("%d snapshots, want %d", n.restored[2], test.snapshots)
			}
			n.mustPublish(1, "room", "last", nil)
			n.equal()
		})
	}
}

// TestSnapshotLost sends a snapshot to a copy that goes away at that moment, and another when it is back.
func TestSnapshotLost(t *testing.T) {
	n := newNetwork(t, 3, func(c *slot.Config) { c.LogBytes = 1000 })
	n.lead(1)
	n.down[3] = true
	for i := range 50 {
		n.mustPublish(1, "room", fmt.Sprint(i), make([]byte, 100))
	}
	n.down[3] = false
	for n.lost == 0 {
		n.at(1).Tick()
		n.at(3).Tick()
		for i, one := range n.copies {
			n.collect(i, one.Advance())
		}
		n.down[3] = slices.ContainsFunc(n.queue, slot.Message.Snapshot)
		n.deliver()
	}
	n.down[3] = false
	n.tick(5)
	n.equal()
	if n.restored[2] != 1 {
		t.Errorf("%d snapshots arrived, want 1", n.restored[2])
	}
}

// TestQuorumLost holds that a leader that hears nobody commits nothing, refuses what is too much, and steps down.
func TestQuorumLost(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.down[2], n.down[3] = true, true
	big := make([]byte, 1<<20)
	var err error
	accepted := 0
	for ; err == nil && accepted < 10; accepted++ {
		_, err = n.publish(1, "room", fmt.Sprint(accepted), big)
		n.settle()
	}
	if !errors.Is(err, slot.ErrOverloaded) {
		t.Fatalf("after %d proposals of 1 MB: %v, want ErrOverloaded", accepted, err)
	}
	n.tick(2)
	if !n.at(1).Status().Leads || n.at(1).Status().Fresh {
		t.Fatalf("2 ticks after it heard somebody last: %+v, want that it leads still, but its word is not fresh", n.at(1).Status())
	}
	n.tick(2)
	if n.at(1).Status().Leads {
		t.Fatal("it still leads without a quorum")
	}
	if _, err := n.publish(1, "room", "x", nil); !errors.Is(err, slot.ErrNotLeader) {
		t.Errorf("got %v, want ErrNotLeader", err)
	}
	if len(n.outcomes) != 0 {
		t.Errorf("outcomes without a quorum: %+v", n.outcomes)
	}
}

// elect lets one copy after the other stand for election until one of them leads, each twice: the first attempt may end with the
// news of a later term.
func (n *network) elect() uint64 {
	n.t.Helper()
	n.suspect()
	for _, one := range slices.Concat(n.copies, n.copies) {
		if n.down[one.Status().Self] {
			continue
		}
		if err := one.Campaign(); err != nil {
			n.t.Fatal(err)
		}
		n.settle()
		if one.Status().Settled {
			return one.Status().Self
		}
	}
	var all []string
	for _, one := range n.copies {
		status := one.Status()
		all = append(all, fmt.Sprintf("down %t, changing %t, %+v, %+v", n.down[status.Self], one.Changing(), one.Copies(), status))
	}
	n.t.Fatalf("no copy can be elected:\n%s", strings.Join(all, "\n"))
	return 0
}
