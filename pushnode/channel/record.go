package channel

// record is what others see of a session, beside its app and id, which the timer has. Its lists are replaced, never changed in place:
// results and effects share them.
type record struct {
	clientID   string
	generation uint64
	edge       uint64
	attached   bool
	since      int64 // Unix milliseconds at which it was attached or detached
	expires    int64
	channels   []Subscription
	presence   []string
}

// recordOf is what is kept of a session that was seen.
func recordOf(seen Session) record {
	return record{
		clientID: seen.ClientID, generation: seen.Generation, edge: seen.Edge, attached: seen.Attached,
		since: seen.Since, expires: seen.Expires, channels: seen.Channels, presence: seen.Presence,
	}
}

// session is the record as others see it.
func (k *sessionState) session() Session {
	return Session{
		App: k.id.App, ID: k.id.Name, ClientID: k.record.clientID, Generation: k.record.generation,
		Edge: k.record.edge, Attached: k.record.attached, Since: k.record.since, Expires: k.record.expires,
		Channels: k.record.channels, Presence: k.record.presence,
	}
}
