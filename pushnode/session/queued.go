package session

import "halley/pushnode/channel"

// QueuedBytes is how much waits for the connections that follow each channel, of those for which something waits: what a fan-out could
// not write yet. It looks at every connection.
func (s *Server) QueuedBytes() map[channel.ID]int {
	queued := make(map[channel.ID]int)
	for _, conn := range s.connected() {
		conn.outbox.addQueued(queued)
	}
	return queued
}

func (o *outbox) addQueued(queued map[channel.ID]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.items {
		if sub := o.items[i].sub; sub != nil {
			queued[sub.entry.id] += o.items[i].size()
		}
	}
}
