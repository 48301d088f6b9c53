package channel

import (
	"slices"

	"halley/pushnode/coding"
)

// Batch is one entry of a slot's log.
type Batch struct {
	Proposer uint64 // id of the copy that proposed it, which means something to package slot alone
	Ticket   uint64 // the proposer's own number for it
	Now      int64  // the proposer's clock: Unix milliseconds
	Commands []Command
}

// batchVersion is the first byte of a batch. A reader refuses every other.
const batchVersion = 2

// AppendBatch appends the encoding of a batch to dst. Retention.Age is encoded in whole milliseconds.
func AppendBatch(dst []byte, b Batch) []byte {
	w := newWriter(append(slices.Grow(dst, b.sizeHint()), batchVersion))
	w.Fixed(b.Proposer)
	w.Number(b.Ticket)
	w.Signed(b.Now)
	w.Count(len(b.Commands))
	for _, command := range b.Commands {
		w.command(command)
	}
	return w.Data
}

// sizeHint is about how long the encoding gets: exact enough for entries of publications, which are kept, to waste little.
func (b *Batch) sizeHint() int {
	const header, rest = 32, 32 // bytes beside the texts, of a batch and of a command
	size := header
	for _, command := range b.Commands {
		size += rest
		if c, ok := command.(Publish); ok {
			size += len(c.Channel.App) + len(c.Channel.Name) + len(c.ID) + len(c.Event) + len(c.Data) + len(c.Exclude) + len(c.ClientID)
		}
	}
	return size
}

// DecodeBatch reads what AppendBatch wrote. The texts and data of the commands share data's memory, which must not change from
// then on: a publication is in memory once, in its log entry. Its errors wrap ErrEncoding.
func DecodeBatch(data []byte) (Batch, error) {
	r := reader{coding.Read(data, ErrEncoding)}
	if version := r.Byte(); version != batchVersion {
		r.Fail("version")
	}
	b := Batch{Proposer: r.Fixed(), Ticket: r.Number(), Now: r.Signed(), Commands: list(&r, 1, r.command)}
	if err := r.End(); err != nil {
		return Batch{}, err
	}
	return b, nil
}
