package slot

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Message travels from one copy of a slot to another. It is read-only, and shares memory with the sender's log.
type Message struct{ raft *raftpb.Message }

// From is the instance that sends the message.
func (m Message) From() uint64 { return m.raft.GetFrom() }

// To is the instance that the message is for.
func (m Message) To() uint64 { return m.raft.GetTo() }

// Snapshot reports whether the message carries a whole state. The host must say by SnapshotDone what became of it.
func (m Message) Snapshot() bool { return m.raft.GetType() == raftpb.MsgSnap }

// Step takes in a message of another copy. An error means that it was of no use here; the slot is as before.
func (s *Slot) Step(m Message) error {
	if m.To() != s.self {
		return fmt.Errorf("slot %d: message for instance %x came to %x", s.id, m.To(), s.self)
	}
	if m.Snapshot() {
		if err := s.receive(m.raft); err != nil {
			return err
		}
	}
	if err := s.node.Step(m.raft); err != nil {
		return fmt.Errorf("slot %d: message from %x: %w", s.id, m.From(), err)
	}
	return nil
}

// Unreachable says that messages to a peer are lost at present: they are sent one by one until it answers.
func (s *Slot) Unreachable(peer uint64) { s.node.ReportUnreachable(peer) }

// SnapshotDone says whether a snapshot reached its peer, as far as the host knows. Until then the peer is sent nothing else;
// after a failure it is sent another when it answers.
func (s *Slot) SnapshotDone(peer uint64, reached bool) {
	status := raft.SnapshotFailure
	if reached {
		status = raft.SnapshotFinish
	}
	s.node.ReportSnapshot(peer, status)
}
