package wire

import "halley/pushnode/channel"

// Replies to commands: section 4.2 of web/docs/protocol.md. The HTTP API gives the same objects where it does the same.

// SubscribeReply is where a stream begins. Presence is nil where it was not asked for.
type SubscribeReply struct {
	Channel   string
	Epoch     string
	Offset    uint64
	Recovered bool
	Presence  *PresenceSet
}

// PresenceSet is all members of a channel, and the version of the set.
type PresenceSet struct {
	Version uint64
	Members []Member
}

// ChannelReply says that something was done to a channel.
type ChannelReply struct{ Channel string }

// Published is where a publication stands. Copies is how many nodes hold it.
type Published struct {
	ID        string
	Channel   string
	Epoch     string
	Offset    uint64
	Copies    int
	Duplicate bool // the id was known: nothing was published anew
}

// VersionReply is the version of a channel's presence after a change.
type VersionReply struct {
	Channel string
	Version uint64
}

// MembersReply is all members of a channel.
type MembersReply struct {
	Channel string
	Version uint64
	Members []Member
}

// HistoryReply is a page of history. More says that there are more in that direction; Gap, or nil, that the page does not
// begin where Since stood.
type HistoryReply struct {
	Channel  string
	Epoch    string
	Messages []Message
	More     bool
	Gap      *Gap
}

// TokenReply says until when the new credential holds, in Unix ms; 0: for ever.
type TokenReply struct{ Expires int64 }

// TimeReply is the server's time in Unix ms.
type TimeReply struct{ Time int64 }

func (s SubscribeReply) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", s.Channel)
	dst = appendPosition(dst, s.Epoch, s.Offset)
	dst = appendBoolMember(dst, "recovered", s.Recovered)
	if s.Presence != nil {
		dst = appendObjectMember(dst, "presence", *s.Presence)
	}
	return dst
}

func (p PresenceSet) appendFields(dst []byte) []byte {
	dst = appendUintMember(dst, "version", p.Version)
	return appendArrayMember(dst, "members", p.Members)
}

func (c ChannelReply) appendFields(dst []byte) []byte {
	return appendStringMember(dst, "channel", c.Channel)
}

func (p Published) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "id", p.ID)
	dst = appendStringMember(dst, "channel", p.Channel)
	dst = appendPosition(dst, p.Epoch, p.Offset)
	dst = appendIntMember(dst, "copies", int64(p.Copies))
	if p.Duplicate {
		dst = appendBoolMember(dst, "duplicate", true)
	}
	return dst
}

// AppendPublished appends the answer to a publish: the object of p. It spares the interface on the hot path.
func AppendPublished(dst []byte, p Published) []byte {
	return append(p.appendFields(append(dst, '{')), '}')
}

func (v VersionReply) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", v.Channel)
	return appendUintMember(dst, "version", v.Version)
}

func (m MembersReply) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", m.Channel)
	dst = appendUintMember(dst, "version", m.Version)
	return appendArrayMember(dst, "members", m.Members)
}

func (h HistoryReply) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", h.Channel)
	dst = appendStringMember(dst, "epoch", h.Epoch)
	dst = appendArrayMember(dst, "messages", h.Messages)
	dst = appendBoolMember(dst, "more", h.More)
	if h.Gap != nil {
		dst = appendObjectMember(dst, "gap", *h.Gap)
	}
	return dst
}

func (t TokenReply) appendFields(dst []byte) []byte {
	if t.Expires == 0 {
		return dst
	}
	return appendIntMember(dst, "expires", t.Expires)
}

func (t TimeReply) appendFields(dst []byte) []byte { return appendIntMember(dst, "time", t.Time) }

// HistoryOf is a page of a channel's history as clients see it.
func HistoryOf(name string, page channel.HistoryPage) HistoryReply {
	reply := HistoryReply{Channel: name, Epoch: page.Epoch.String(), More: page.More}
	reply.Messages = make([]Message, len(page.Publications))
	for i, publication := range page.Publications {
		reply.Messages[i] = MessageOf(name, reply.Epoch, publication)
	}
	if page.Gap != nil {
		reply.Gap = &Gap{
			Channel: name, Reason: string(page.Gap.Reason), From: page.Gap.From, To: page.Gap.To, Epoch: reply.Epoch, Offset: page.From,
		}
	}
	return reply
}

// AppendHistory appends the answer to a question for history: the object of h.
func AppendHistory(dst []byte, h HistoryReply) []byte { return AppendObject(dst, h) }

// MessageOf is a publication of a channel as clients see it. epoch is the text of its epoch.
func MessageOf(name, epoch string, p *channel.Publication) Message {
	return Message{
		Channel: name, Event: p.Event, Data: p.Data, ID: p.ID, Epoch: epoch, Offset: p.Offset, Timestamp: p.Time, ClientID: p.ClientID,
	}
}

// MembersOf is the members of a channel as clients see them.
func MembersOf(name string, members []channel.Member, version uint64) MembersReply {
	reply := MembersReply{Channel: name, Version: version, Members: make([]Member, len(members))}
	for i, member := range members {
		reply.Members[i] = Member{ClientID: member.ClientID, Session: member.Session, Data: member.Data}
	}
	return reply
}
