package session

import (
	"runtime"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/prefetch"
	"halley/pushnode/wire"
)

// Delivery hands publications to their subscribers, for one goroutine. It gathers what that has, and then writes it: what comes for a
// connection meanwhile goes out in one write. Nothing waits for more to come: an idle channel's message is written at once.
type Delivery struct {
	server  *Server
	gathers []*gathered // the channels of what was handed over, in the order of their first message
	count   int         // publications since the last flush
	bytes   int         // of their data

	due  []*outbox // to be flushed when everything is in its queue
	full []*outbox // to be flushed at once
}

// gathered is publications of one channel, of one epoch.
type gathered struct {
	entry        *entry
	epoch        channel.Epoch
	publications []*channel.Publication
	apart        bool // one of them is not for everybody, or does not follow the one before
}

// Bounds of what is written together. Beyond them those who came first would wait for those who came last.
const (
	togetherMessages = 64
	togetherBytes    = writeBytes
	// spareDue is how many connections' worth of memory is kept for the next flush.
	spareDue = 16 << 10
)

// NewDelivery makes what one goroutine delivers with.
func (s *Server) NewDelivery() *Delivery { return &Delivery{server: s} }

// Publish takes a publication for all subscriptions of its channel. Publications of one channel come in the order of its log, by one
// goroutine. It never blocks on a client. Flush must follow. It returns how many connections follow the channel.
func (d *Delivery) Publish(published channel.Published) (receivers int) {
	e := d.server.hub.find(published.Channel)
	if e == nil {
		return 0
	}
	receivers = e.connections()
	d.gather(e, published)
	d.count++
	d.bytes += len(published.Publication.Data)
	if d.count >= togetherMessages || d.bytes >= togetherBytes {
		d.Flush()
	}
	return receivers
}

func (d *Delivery) gather(e *entry, published channel.Published) {
	into := e.gathered
	if into != nil && into.epoch != published.Epoch {
		d.Flush() // the channel has begun anew
		into = nil
	}
	if into == nil {
		into = &gathered{entry: e, epoch: published.Epoch}
		e.gathered = into
		d.gathers = append(d.gathers, into)
	}
	next := published.Publication
	if n := len(into.publications); n > 0 && next.Offset != into.publications[n-1].Offset+1 {
		into.apart = true
	}
	into.apart = into.apart || next.Exclude != ""
	into.publications = append(into.publications, next)
}

// Flush writes what was handed over to the sockets that take it at once, and leaves the rest to the connections' writers.
func (d *Delivery) Flush() {
	for i, one := range d.gathers {
		one.entry.gathered = nil
		d.queue(one)
		d.gathers[i] = nil
	}
	d.gathers, d.count, d.bytes = d.gathers[:0], 0, 0
	flushAll(d.due)
	d.due = spared(d.due)
}

// queue puts publications into the outboxes of all who follow their channel: all of them into each, or one by one where that is not
// possible. Who has no room for some is flushed in between. A panic ends neither the process nor anybody's stream: who follows the channel
// reads history instead, on a goroutine of its own.
func (d *Delivery) queue(one *gathered) {
	defer func() {
		if fault := recover(); fault != nil {
			d.server.panicked("fan-out", fault)
			one.entry.lapse()
		}
	}()
	messages := messagesOf(one)
	if len(messages) > 1 && !one.apart && one.entry.queueBatch(messages, d) {
		d.flushFull()
		return
	}
	for _, message := range messages {
		one.entry.queue(message, d)
		d.flushFull()
	}
}

// flushFull writes to those whose queues are half full.
func (d *Delivery) flushFull() {
	flushAll(d.full)
	d.full = spared(d.full)
}

// outgoing is a message on its way to many.
type outgoing struct {
	position    channel.Position
	publication *channel.Publication
	name        string
	text        *wire.Shared // nil: nobody has needed it yet
}

func messagesOf(one *gathered) []outgoing {
	messages := make([]outgoing, len(one.publications))
	for i, publication := range one.publications {
		messages[i] = outgoing{
			name: one.entry.id.Name, publication: publication,
			position: channel.Position{Epoch: one.epoch, Offset: publication.Offset},
		}
	}
	return messages
}

// shared is the message as all its receivers get it.
func (o *outgoing) shared() *wire.Shared {
	if o.text == nil {
		message := wire.MessageOf(o.name, o.position.Epoch.String(), o.publication)
		o.text = wire.Share(&message)
	}
	return o.text
}

// note takes down an outbox that wants to be flushed.
func (d *Delivery) note(outbox *outbox, when urgency) {
	switch when {
	case due:
		d.due = append(d.due, outbox)
	case pressing:
		d.full = append(d.full, outbox)
	}
}

// shareSize is how many connections are worth a goroutine of their own: it costs less than one write.
const shareSize = 128

// flushAll writes to connections, of which there are none twice: to many on all processors.
func flushAll(outboxes []*outbox) {
	if len(outboxes) == 0 {
		return
	}
	share := max(shareSize, (len(outboxes)-1)/runtime.GOMAXPROCS(0)+1)
	var others sync.WaitGroup
	for len(outboxes) > share {
		part := outboxes[:share]
		outboxes = outboxes[share:]
		others.Go(func() { flushSome(part) })
	}
	flushSome(outboxes)
	others.Wait()
}

// clockEvery is for how many writes one look at the clock does.
const clockEvery = 64

func flushSome(outboxes []*outbox) {
	var count tally
	for i, outbox := range outboxes {
		if i%clockEvery == 0 {
			count.now = time.Now()
		}
		if i%prefetch.Ahead == 0 {
			for _, next := range outboxes[i:min(i+prefetch.Ahead, len(outboxes))] {
				next.writer.prefetch()
			}
		}
		outbox.flush(&count)
		outboxes[i] = nil
	}
	count.flush()
}

// spared empties a list, and lets go of one that is larger than usual.
func spared(list []*outbox) []*outbox {
	if cap(list) > spareDue {
		return nil
	}
	return list[:0]
}
