package slot

import "go.etcd.io/raft/v3/raftpb"

// A removed copy may know, alone among the living, that its removal is committed: the leader that told it is gone. The others
// then count its vote for the old configuration still, and it must refuse it where its log is longer than theirs, while it cannot
// lead itself. So with its refusal it says what it knows to be committed. That is a fact, whoever tells it: a log that has the same
// entry is committed up to there, and its copy goes on in the new configuration.

// tellRefused lets a removed copy tell everyone to whom it refuses its vote what is committed.
func (s *Slot) tellRefused(out *Output) {
	if !s.removed() {
		return
	}
	for _, m := range out.Messages {
		if t := m.raft.GetType(); (t == raftpb.MsgVoteResp || t == raftpb.MsgPreVoteResp) && m.raft.GetReject() {
			told := &raftpb.Message{From: new(s.self), To: new(m.raft.GetTo()), Term: new(s.term)}
			fact := position{index: s.applied, term: s.appliedTerm}
			out.Messages = append(out.Messages, Message{raft: told, generation: s.generation, committed: fact})
		}
	}
}

// learn commits the log up to an entry that another copy knows to be committed, if it is in it. It comes in as a heartbeat of no
// leader.
func (s *Slot) learn(from copyID, fact position) error {
	term, err := s.storage.Term(fact.index)
	if err != nil || term != fact.term || fact.index <= s.applied || s.leads() {
		return nil
	}
	heartbeat := &raftpb.Message{
		Type: raftpb.MsgHeartbeat.Enum(), From: new(from), To: new(s.self),
		Term: new(s.node.BasicStatus().GetTerm()), Commit: new(fact.index),
	}
	if err := s.node.Step(heartbeat); err != nil {
		return err
	}
	return s.SuspectLeader()
}
