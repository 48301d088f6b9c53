package wire

// The ops of the pushes.
const (
	opMessage      = "message"
	opConnected    = "connected"
	opSubscribed   = "subscribed"
	opUnsubscribed = "unsubscribed"
	opPresence     = "presence"
	opGap          = "gap"
	opDropped      = "dropped"
	opSuspended    = "suspended"
	opExpiring     = "expiring"
	opDrain        = "drain"
	opPing         = "ping"
	opError        = "error"
)

// ActionSync is the Action of a Presence that holds the whole set.
const ActionSync = "sync"

// DefaultEvent is the event of a message whose publisher gave none.
const DefaultEvent = "message"

// Op is "message".
func (Message) Op() string { return opMessage }

// Op is "connected".
func (Connected) Op() string { return opConnected }

// Op is "subscribed".
func (Subscribed) Op() string { return opSubscribed }

// Op is "unsubscribed".
func (Unsubscribed) Op() string { return opUnsubscribed }

// Op is "presence".
func (Presence) Op() string { return opPresence }

// Op is "gap".
func (Gap) Op() string { return opGap }

// Op is "dropped".
func (Dropped) Op() string { return opDropped }

// Op is "suspended".
func (Suspended) Op() string { return opSuspended }

// Op is "expiring".
func (Expiring) Op() string { return opExpiring }

// Op is "drain".
func (Drain) Op() string { return opDrain }

// Op is "ping".
func (Ping) Op() string { return opPing }

// Op is "error".
func (Fault) Op() string { return opError }

func (m Message) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", m.Channel)
	event := m.Event
	if event == "" {
		event = DefaultEvent
	}
	dst = appendStringMember(dst, "event", event)
	dst = appendRawMember(dst, "data", m.Data)
	dst = appendStringMember(dst, "id", m.ID)
	dst = appendPosition(dst, m.Epoch, m.Offset)
	dst = appendIntMember(dst, "timestamp", m.Timestamp)
	if m.ClientID != "" {
		dst = appendStringMember(dst, "client_id", m.ClientID)
	}
	return dst
}

func (c Connected) appendFields(dst []byte) []byte {
	dst = appendRef(dst, c.Ref)
	dst = appendStringMember(dst, "session", c.Session)
	if c.Resume != "" {
		dst = appendStringMember(dst, "resume", c.Resume)
	}
	dst = appendBoolMember(dst, "resumed", c.Resumed)
	if c.ClientID != "" {
		dst = appendStringMember(dst, "client_id", c.ClientID)
	}
	if c.Expires != 0 {
		dst = appendIntMember(dst, "expires", c.Expires)
	}
	dst = appendIntMember(dst, "time", c.Time)
	dst = appendIntMember(dst, "ping", c.Ping)
	dst = appendIntMember(dst, "timeout", c.Timeout)
	dst = append(appendMember(dst, "limits"), '{')
	dst = appendIntMember(dst, "message_bytes", int64(c.MessageBytes))
	dst = appendIntMember(dst, "channels", int64(c.Channels))
	return append(dst, '}')
}

func (s Subscribed) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", s.Channel)
	dst = appendPosition(dst, s.Epoch, s.Offset)
	return appendBoolMember(dst, "recovered", s.Recovered)
}

func (u Unsubscribed) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", u.Channel)
	return appendObjectMember(dst, "error", u.Err)
}

func (m Member) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "client_id", m.ClientID)
	dst = appendStringMember(dst, "session", m.Session)
	if m.Data != nil {
		dst = appendRawMember(dst, "data", m.Data)
	}
	return dst
}

func (p Presence) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", p.Channel)
	dst = appendStringMember(dst, "action", p.Action)
	if p.Action == ActionSync {
		dst = appendArrayMember(dst, "members", p.Members)
	} else {
		dst = appendObjectMember(dst, "member", p.Member)
	}
	return appendUintMember(dst, "version", p.Version)
}

func (g Gap) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", g.Channel)
	dst = appendStringMember(dst, "reason", g.Reason)
	if g.From != 0 {
		dst = appendUintMember(dst, "from", g.From)
	}
	if g.To != 0 {
		dst = appendUintMember(dst, "to", g.To)
	}
	return appendPosition(dst, g.Epoch, g.Offset)
}

func (d Dropped) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", d.Channel)
	return appendUintMember(dst, "count", d.Count)
}

func (s Suspended) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", s.Channel)
	return appendIntMember(dst, "retry_after", s.RetryAfter)
}

func (e Expiring) appendFields(dst []byte) []byte {
	dst = appendIntMember(dst, "expires", e.Expires)
	return appendIntMember(dst, "in", e.In)
}

func (d Drain) appendFields(dst []byte) []byte {
	return appendIntMember(dst, "reconnect_in", d.ReconnectIn)
}

func (Ping) appendFields(dst []byte) []byte { return dst }

func (f Fault) appendFields(dst []byte) []byte { return appendObjectMember(dst, "error", f.Err) }

// appendFields: an Error is the object {"code","name","message","docs","retry_after"?}; retry_after is in ms.
func (e *Error) appendFields(dst []byte) []byte {
	entry := e.Code.entry()
	dst = appendIntMember(dst, "code", int64(entry.Code))
	dst = appendStringMember(dst, "name", entry.Name)
	dst = appendStringMember(dst, "message", e.Message)
	dst = appendStringMember(dst, "docs", e.Code.Docs())
	if wait := e.retryAfter(); wait > 0 {
		dst = appendIntMember(dst, "retry_after", max(1, wait.Milliseconds()))
	}
	return dst
}

func appendPosition(dst []byte, epoch string, offset uint64) []byte {
	dst = appendStringMember(dst, "epoch", epoch)
	return appendUintMember(dst, "offset", offset)
}

func appendRef(dst []byte, ref int64) []byte {
	if ref == 0 {
		return dst
	}
	return appendIntMember(dst, "ref", ref)
}
