package slot

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// What Step answers where a message is not for this copy any more, or not from one that counts.
var (
	// ErrEarlierGeneration means that the sender's copy is of a generation that a forced recovery has ended: it must be told, and
	// drop the copy.
	ErrEarlierGeneration = errors.New("message of an earlier generation of the slot")
	// ErrLaterGeneration means that this copy's generation has ended. The host drops the copy; if the slot's leader wants one
	// here, an empty one of that generation takes its place.
	ErrLaterGeneration = errors.New("message of a later generation of the slot")
	// ErrOtherLife means that the message is for another life of this copy's instance: one that is over, or one that the host is to
	// begin, see Message.Begins.
	ErrOtherLife = errors.New("message for another life of the copy")
	// ErrStranger means that the message answers this copy, and comes from none of the slot's: most often one that was removed, in a
	// life that is over. It is of no consequence.
	ErrStranger = errors.New("answer of none of the slot's copies")
)

// Message travels from one copy of a slot to another. It is read-only, and shares memory with the sender's log.
type Message struct {
	raft       *raftpb.Message
	generation uint32
	committed  position // not zero: the message says no more than that this entry is committed
}

// From is the instance that sends the message.
func (m Message) From() uint64 { return instanceOf(m.raft.GetFrom()) }

// To is the instance that the message is for.
func (m Message) To() uint64 { return instanceOf(m.raft.GetTo()) }

// Life is the life of that instance which the message is for.
func (m Message) Life() uint32 { return lifeOf(m.raft.GetTo()) }

// Generation is that of the sender's copy.
func (m Message) Generation() uint32 { return m.generation }

// Snapshot reports whether the message carries a whole state. The host must say by SnapshotDone what became of it.
func (m Message) Snapshot() bool { return m.raft.GetType() == raftpb.MsgSnap }

// Control reports whether the message is small and about the lead: a heartbeat, a vote, or an answer to one. It may overtake
// others on its way.
func (m Message) Control() bool {
	switch m.raft.GetType() {
	case raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgSnap:
		return false
	default:
		return true
	}
}

// Begins reports whether an empty copy, of that Life and Generation, may begin with the message: it comes from a leader that wants a copy
// there. A copy in an earlier life (see Later) makes place for it, for the leader added this one when nobody could need the vote of the
// earlier one any more.
func (m Message) Begins() bool { return forEmpty(m.raft) }

// outgoing is a message as it leaves this copy.
func (s *Slot) outgoing(m *raftpb.Message) Message {
	if m.GetType() == raftpb.MsgHeartbeat {
		s.stamp(m)
	}
	return Message{raft: m, generation: s.generation}
}

// Step takes in a message of another copy. An error means that it was of no use here; the slot is as before, unless it is ErrBroken.
// Errors that are told apart: ErrEarlierGeneration, ErrLaterGeneration, ErrOtherLife, ErrStranger, ErrImpossible, ErrBroken.
func (s *Slot) Step(m Message) (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	if err := s.admit(m); err != nil {
		return fmt.Errorf("slot %d: message from %x: %w", s.id, m.From(), err)
	}
	if m.committed != (position{}) {
		return s.learn(m.raft.GetFrom(), m.committed)
	}
	in := m.raft
	switch in.GetType() {
	case raftpb.MsgSnap:
		if err := s.receive(in); err != nil {
			return err
		}
		s.contact.term = max(s.contact.term, in.GetTerm())
	case raftpb.MsgApp, raftpb.MsgHeartbeat:
		s.contact.term = max(s.contact.term, in.GetTerm())
	case raftpb.MsgHeartbeatResp:
		in = &raftpb.Message{Type: in.Type, To: in.To, From: in.From, Term: in.Term} // the number is no read request of raft's
	}
	if err := s.node.Step(in); errors.Is(err, raft.ErrStepPeerNotFound) {
		return fmt.Errorf("slot %d: message from %x: %w", s.id, m.From(), ErrStranger)
	} else if err != nil {
		return fmt.Errorf("slot %d: message from %x: %w", s.id, m.From(), err)
	}
	if t := in.GetType(); t == raftpb.MsgAppResp || t == raftpb.MsgHeartbeatResp {
		s.hear(m.raft)
	}
	return nil
}

// admit refuses what is not for this copy in the state that it is in.
func (s *Slot) admit(m Message) error {
	switch {
	case m.To() != s.config.Self:
		return fmt.Errorf("for instance %x, came to %x", m.To(), s.config.Self)
	case m.generation < s.generation:
		return ErrEarlierGeneration
	case m.generation > s.generation:
		return ErrLaterGeneration
	case m.Life() != s.config.Life:
		return fmt.Errorf("%w: %d, came to %d", ErrOtherLife, m.Life(), s.config.Life)
	case s.storage.empty() && !forEmpty(m.raft):
		return fmt.Errorf("%v for an empty copy", m.raft.GetType())
	}
	return s.credible(m)
}

// forEmpty reports whether an empty copy may take the message in: what a leader sends to one that holds nothing. A vote it must
// not give, for there is nothing that it could hold against a candidate; and a leader that counts on entries here means a copy that
// is no more.
func forEmpty(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgSnap:
		return true
	case raftpb.MsgHeartbeat:
		return m.GetCommit() == 0
	case raftpb.MsgApp:
		return m.GetIndex() > 0
	default:
		return false
	}
}

// Unreachable says that messages to a peer are lost at present: they are sent one by one until it answers.
func (s *Slot) Unreachable(peer uint64) {
	defer s.contain(nil)
	if s.fault != nil {
		return
	}
	if id := s.find(peer); id != raft.None {
		s.node.ReportUnreachable(id)
		s.lead.rest = rest{}
	}
}

// SnapshotDone says whether a snapshot reached its peer, as far as the host knows. Until then the peer is sent nothing else;
// after a failure it is sent another when it answers.
func (s *Slot) SnapshotDone(peer uint64, reached bool) {
	defer s.contain(nil)
	if s.fault != nil {
		return
	}
	status := raft.SnapshotFailure
	if reached {
		status = raft.SnapshotFinish
	}
	if id := s.find(peer); id != raft.None {
		s.node.ReportSnapshot(id, status)
	}
}
