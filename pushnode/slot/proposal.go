package slot

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/channel"
)

// keptBytes is how large memory for encoding may be that a slot keeps: there are many slots, and most batches are small.
const keptBytes = 1 << 10

// proposal is what a batch is proposed to raft with: the message that RawNode.Propose would make for each. It is used again, and so is
// the memory that a batch is encoded in, for raft takes a copy of what is proposed and does not forward it (DisableProposalForwarding).
type proposal struct {
	message raftpb.Message
	entry   raftpb.Entry
	encoded []byte
}

// step proposes a batch.
func (p *proposal) step(node *raft.RawNode, batch channel.Batch) error {
	if p.message.Type == nil {
		p.message.Type, p.message.From = raftpb.MsgProp.Enum(), new(batch.Proposer)
	}
	p.encoded = channel.AppendBatch(p.encoded[:0], batch)
	p.entry = raftpb.Entry{Data: p.encoded}
	p.message.Entries = append(p.message.Entries[:0], &p.entry)
	err := node.Step(&p.message)
	p.entry.Data = nil
	if cap(p.encoded) > keptBytes {
		p.encoded = nil
	}
	return err
}
