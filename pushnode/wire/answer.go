package wire

import "strconv"

// Answers of the HTTP API that no command has. Each is an Object: AppendObject writes it.

// ChannelInfo is what is known of a channel: GET /v1/channels/{channel}. Rule is nil in lists.
type ChannelInfo struct {
	Channel     string
	Subscribers int
	Members     int
	Epoch       string
	Offset      uint64
	Messages    int // in history
	Bytes       int // of history
	Rule        *Rule
}

// Rule is the rule in force for a channel. TTL is in ms.
type Rule struct {
	Prefix          string
	Public          bool
	ClientPublish   bool
	Presence        bool
	Policy          string
	HistoryMessages int
	HistoryBytes    int
	HistoryTTL      int64
}

// ChannelList is a page of the channels in use. Cursor, or "" at the end, asks for the next page.
type ChannelList struct {
	Channels []ChannelInfo
	Cursor   string
}

// TokenIssued is a token that was signed. Expires is in Unix ms.
type TokenIssued struct {
	Token    string
	Expires  int64
	ClientID string
}

// Disconnected is how many sessions were ended.
type Disconnected struct{ Sessions int }

// Usage is what an app has used in a period (a month, "2026-11") and uses now, and its limits in their order.
type Usage struct {
	Period          string
	Published       int64
	Delivered       int64
	Bytes           int64
	PeakConnections int64
	Connections     int64
	Channels        int64
	Limits          []Limit
}

// Limit is one limit of an app.
type Limit struct {
	Name  string
	Value int64
}

func (c ChannelInfo) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "channel", c.Channel)
	dst = append(appendMember(dst, "occupancy"), '{')
	dst = appendIntMember(dst, "subscribers", int64(c.Subscribers))
	dst = append(appendIntMember(dst, "members", int64(c.Members)), '}')
	dst = appendPosition(dst, c.Epoch, c.Offset)
	dst = append(appendMember(dst, "history"), '{')
	dst = appendIntMember(dst, "messages", int64(c.Messages))
	dst = append(appendIntMember(dst, "bytes", int64(c.Bytes)), '}')
	if c.Rule != nil {
		dst = appendObjectMember(dst, "rule", *c.Rule)
	}
	return dst
}

func (r Rule) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "prefix", r.Prefix)
	dst = appendBoolMember(dst, "public", r.Public)
	dst = appendBoolMember(dst, "client_publish", r.ClientPublish)
	dst = appendBoolMember(dst, "presence", r.Presence)
	dst = appendStringMember(dst, "policy", r.Policy)
	dst = append(appendMember(dst, "history"), '{')
	dst = appendIntMember(dst, "messages", int64(r.HistoryMessages))
	dst = appendIntMember(dst, "bytes", int64(r.HistoryBytes))
	return append(appendIntMember(dst, "ttl", r.HistoryTTL), '}')
}

func (c ChannelList) appendFields(dst []byte) []byte {
	dst = appendArrayMember(dst, "channels", c.Channels)
	if c.Cursor != "" {
		dst = appendStringMember(dst, "cursor", c.Cursor)
	}
	return dst
}

func (t TokenIssued) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "token", t.Token)
	dst = appendIntMember(dst, "expires", t.Expires)
	if t.ClientID != "" {
		dst = appendStringMember(dst, "client_id", t.ClientID)
	}
	return dst
}

func (d Disconnected) appendFields(dst []byte) []byte {
	return appendIntMember(dst, "disconnected", int64(d.Sessions))
}

func (u Usage) appendFields(dst []byte) []byte {
	dst = appendStringMember(dst, "period", u.Period)
	dst = append(appendMember(dst, "month"), '{')
	dst = appendIntMember(dst, "published", u.Published)
	dst = appendIntMember(dst, "delivered", u.Delivered)
	dst = appendIntMember(dst, "bytes", u.Bytes)
	dst = append(appendIntMember(dst, "peak_connections", u.PeakConnections), '}')
	dst = append(appendMember(dst, "now"), '{')
	dst = appendIntMember(dst, "connections", u.Connections)
	dst = append(appendIntMember(dst, "channels", u.Channels), '}')
	dst = append(appendMember(dst, "limits"), '{')
	for _, limit := range u.Limits {
		dst = strconv.AppendInt(appendMember(dst, limit.Name), limit.Value, 10)
	}
	return append(dst, '}')
}
