package webhook

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is what happened, by Pusher's name.
type Kind string

// The kinds of event.
const (
	Occupied          Kind = "channel_occupied"
	Vacated           Kind = "channel_vacated"
	MemberAdded       Kind = "member_added"
	MemberRemoved     Kind = "member_removed"
	ClientEvent       Kind = "client_event"
	CacheMiss         Kind = "cache_miss"
	SubscriptionCount Kind = "subscription_count"
)

// Kinds is all of them.
var Kinds = []Kind{Occupied, Vacated, MemberAdded, MemberRemoved, ClientEvent, CacheMiss, SubscriptionCount}

// Event is one thing that an app wants to know.
type Event struct {
	App     string
	Kind    Kind
	Channel string
	Time    int64 // Unix milliseconds
	// ID names the event, whichever node tells it: empty where only one can.
	ID string

	UserID   string // MemberAdded, MemberRemoved; of ClientEvent where it is known
	Name     string // ClientEvent: of the event
	Data     string // ClientEvent: as it was sent
	SocketID string // ClientEvent
	Count    int    // SubscriptionCount

	// Done is called once when the event need not be told any more: every endpoint has it, or will not get it. It must not block. nil: nobody
	// keeps the event, and where there is no room it is lost.
	Done func()
	// Void reports whether somebody else tells the event by now. nil: nobody does.
	Void func() bool
}

// append writes the event as an item of "events".
func (e *Event) append(dst []byte) []byte {
	dst = appendField(append(dst, '{'), "name", string(e.Kind))
	dst = appendField(append(dst, ','), "channel", e.Channel)
	switch e.Kind {
	case MemberAdded, MemberRemoved:
		dst = appendField(append(dst, ','), "user_id", e.UserID)
	case ClientEvent:
		dst = appendField(append(dst, ','), "event", e.Name)
		dst = appendField(append(dst, ','), "data", e.Data)
		dst = appendField(append(dst, ','), "socket_id", e.SocketID)
		if e.UserID != "" {
			dst = appendField(append(dst, ','), "user_id", e.UserID)
		}
	case SubscriptionCount:
		dst = strconv.AppendInt(append(dst, `,"subscription_count":`...), int64(e.Count), 10)
	}
	return append(dst, '}')
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	dst, _ = jsontext.AppendQuote(dst, value) // what is no UTF-8 becomes U+FFFD, which is all that the error says
	return dst
}

// Body is that of a request with one event, for who sends one by hand.
func Body(event Event) []byte { return appendBody(nil, event.Time, [][]byte{event.append(nil)}) }

// appendBody writes the body of a request with some events, each as append wrote it.
func appendBody(dst []byte, time int64, events [][]byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"time_ms":`...), time, 10)
	dst = append(dst, `,"events":[`...)
	for i, event := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, event...)
	}
	return append(dst, "]}"...)
}
