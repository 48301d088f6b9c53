package session

import "halley/pushnode/channel"

// Delivery hands publications to their subscribers, for one goroutine, and writes them when that has handed over what it had: so what
// comes for a connection meanwhile goes out in one write. Nothing waits for more to come: an idle channel's message is written at once.
type Delivery struct {
	server *Server
	due    []*outbox // to be flushed when there is no more
	full   []*outbox // to be flushed at once
	count  int       // publications since the last flush
	bytes  int       // of their data
}

// Bounds of what is written together. Beyond them those who came first would wait for those who came last.
const (
	togetherMessages = 64
	togetherBytes    = writeBytes
	// spareDue is how many connections' worth of memory is kept for the next flush.
	spareDue = 4096
)

// NewDelivery makes what one goroutine delivers with.
func (s *Server) NewDelivery() *Delivery { return &Delivery{server: s} }

// Publish hands a publication to all subscriptions of its channel. Publications of one channel come in the order of its log, by one
// goroutine. It never blocks on a client. Flush must follow.
func (d *Delivery) Publish(published channel.Published) {
	e := d.server.hub.find(published.Channel)
	if e == nil {
		return
	}
	e.queue(published, d)
	for i, outbox := range d.full {
		outbox.flush()
		d.full[i] = nil
	}
	d.full = spared(d.full)
	d.count++
	d.bytes += len(published.Publication.Data)
	if d.count >= togetherMessages || d.bytes >= togetherBytes {
		d.Flush()
	}
}

// Flush writes what was handed over to the sockets that take it at once, and leaves the rest to the connections' writers.
func (d *Delivery) Flush() {
	for i, outbox := range d.due {
		outbox.flush()
		d.due[i] = nil
	}
	d.due, d.count, d.bytes = spared(d.due), 0, 0
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

// spared empties a list, and lets go of one that is larger than usual.
func spared(list []*outbox) []*outbox {
	if cap(list) > spareDue {
		return nil
	}
	return list[:0]
}
