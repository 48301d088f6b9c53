package tenant

import (
	"slices"
	"strings"
)

// LimitName names a limit in flags, forms and answers.
type LimitName string

// The limits.
const (
	LimitMessageBytes          LimitName = "message_bytes"
	LimitBatch                 LimitName = "batch"
	LimitChannels              LimitName = "channels"
	LimitChannelsPerConnection LimitName = "channels_per_connection"
	LimitConnections           LimitName = "connections"
	LimitPublishesPerSecond    LimitName = "publishes_per_second"
	LimitMessagesPerMonth      LimitName = "messages_per_month"
	LimitPresenceMembers       LimitName = "presence_members"
	LimitHistoryMessages       LimitName = "history_messages"
	LimitHistoryBytes          LimitName = "history_bytes"
	LimitQueueBytes            LimitName = "queue_bytes"
	LimitAPIRequestsPerSecond  LimitName = "api_requests_per_second"
)

// Limits are the values in force for one app.
type Limits struct {
	MessageBytes          int   // event and data of one publication
	Batch                 int   // publications of one request
	Channels              int   // in use at once
	ChannelsPerConnection int   // subscriptions of one session
	Connections           int   // open at once
	PublishesPerSecond    int   // publications accepted a second; so many may come at once
	MessagesPerMonth      int64 // publications and deliveries of a calendar month in UTC
	PresenceMembers       int   // of one channel
	HistoryMessages       int   // the most that a rule may keep of one channel
	HistoryBytes          int   // the most that one channel keeps
	QueueBytes            int   // waiting for one connection
	APIRequestsPerSecond  int   // HTTP requests that do not publish
}

// LimitSpec describes one limit.
type LimitSpec struct {
	Name    LimitName
	Default int64
	Max     int64 // what an account or app may be given at most; at least is 1
	Meaning string
}

// The upper bounds keep a typing error from switching the protection of a node off: memory is bounded by them, not money.
const (
	maxCount = 1_000_000
	maxTotal = 1_000_000_000_000
	mebibyte = 1 << 20
)

// LimitSpecs lists every limit with its default (DESIGN 7.5), in the order in which people see them.
func LimitSpecs() []LimitSpec {
	return []LimitSpec{
		{LimitMessageBytes, 64 << 10, mebibyte, "bytes of one message's event and data"},
		{LimitBatch, 100, 1_000, "messages of one batch request"},
		{LimitChannels, 100_000, 10 * maxCount, "channels in use at once"},
		{LimitChannelsPerConnection, 200, 1_000, "channels that one connection follows"},
		{LimitConnections, 10_000, 10 * maxCount, "connections at once"},
		{LimitPublishesPerSecond, 1_000, maxCount, "messages published a second"},
		{LimitMessagesPerMonth, 1_000_000_000, maxTotal, "messages published and delivered in a calendar month (UTC)"},
		{LimitPresenceMembers, 1_000, 10_000, "members of one channel's presence"},
		{LimitHistoryMessages, 10_000, 100_000, "messages that one channel may keep"},
		{LimitHistoryBytes, 4 * mebibyte, 64 * mebibyte, "bytes that one channel may keep"},
		{LimitQueueBytes, mebibyte, 16 * mebibyte, "bytes that may wait for one connection"},
		{LimitAPIRequestsPerSecond, 1_000, maxCount, "API requests a second that do not publish"},
	}
}

// DefaultLimits are the limits of an app that neither it nor its account has changed.
func DefaultLimits() Limits {
	var limits Limits
	for _, spec := range LimitSpecs() {
		limits.set(spec.Name, spec.Default)
	}
	return limits
}

// Overrides are the limits that an account or app has values of its own for.
type Overrides map[LimitName]int64

// Validate returns an *InvalidError for an unknown name or a value out of bounds.
func (o Overrides) Validate() error {
	specs := LimitSpecs()
	for name, value := range o {
		at := slices.IndexFunc(specs, func(spec LimitSpec) bool { return spec.Name == name })
		if at < 0 {
			return invalid("limit", "there is no limit %.60q; the limits are %s", string(name), limitNames(specs))
		}
		if value < 1 || value > specs[at].Max {
			return invalid("limit", "%s is a number from 1 to %d", name, specs[at].Max)
		}
	}
	return nil
}

func limitNames(specs []LimitSpec) string {
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = string(spec.Name)
	}
	return strings.Join(names, ", ")
}

// With returns the limits with the overrides put over them.
func (l Limits) With(overrides Overrides) Limits {
	for name, value := range overrides {
		l.set(name, value)
	}
	return l
}

// Get returns the value of a limit; 0 for a name that is none.
func (l Limits) Get(name LimitName) int64 {
	if name == LimitMessagesPerMonth {
		return l.MessagesPerMonth
	}
	if field := l.field(name); field != nil {
		return int64(*field)
	}
	return 0
}

func (l *Limits) set(name LimitName, value int64) {
	if name == LimitMessagesPerMonth {
		l.MessagesPerMonth = value
	} else if field := l.field(name); field != nil {
		*field = int(value)
	}
}

func (l *Limits) field(name LimitName) *int {
	switch name {
	case LimitMessageBytes:
		return &l.MessageBytes
	case LimitBatch:
		return &l.Batch
	case LimitChannels:
		return &l.Channels
	case LimitChannelsPerConnection:
		return &l.ChannelsPerConnection
	case LimitConnections:
		return &l.Connections
	case LimitPublishesPerSecond:
		return &l.PublishesPerSecond
	case LimitPresenceMembers:
		return &l.PresenceMembers
	case LimitHistoryMessages:
		return &l.HistoryMessages
	case LimitHistoryBytes:
		return &l.HistoryBytes
	case LimitQueueBytes:
		return &l.QueueBytes
	case LimitAPIRequestsPerSecond:
		return &l.APIRequestsPerSecond
	default:
		return nil
	}
}
