package pusher

import "strconv"

// Frames of the server (Pusher protocol, "Events"). The data of each is a JSON text inside a JSON string, but for that of pusher:error and of
// pusher:ping, which is an object: libraries differ in which of the two they can read, and agree on this.

// AppendEstablished appends the first frame of a connection. Clients ask whether the server lives after so many seconds of silence.
func AppendEstablished(dst []byte, socketID string, activitySeconds int) []byte {
	data := quote([]byte(`{"socket_id":`), socketID)
	data = strconv.AppendInt(append(data, `,"activity_timeout":`...), int64(activitySeconds), 10)
	return appendFrame(dst, "pusher:connection_established", "", append(data, '}'))
}

// AppendEvent appends an event of a channel, whose data is as Halley stores it. userID is the user that a client event came from; "" for
// every other event.
func AppendEvent(dst []byte, event, channel string, data []byte, userID string) []byte {
	dst = quote(append(dst, `{"event":`...), event)
	dst = quote(append(dst, `,"channel":`...), channel)
	dst = AppendText(append(dst, `,"data":`...), data)
	if userID != "" {
		dst = quote(append(dst, `,"user_id":`...), userID)
	}
	return append(dst, '}')
}

// AppendSubscribed appends that a client follows a channel without presence.
func AppendSubscribed(dst []byte, channel string) []byte {
	return appendFrame(dst, "pusher_internal:subscription_succeeded", channel, []byte("{}"))
}

// AppendPresent appends that a client follows a presence channel, and who is there.
func AppendPresent(dst []byte, channel string, users []Member) []byte {
	data := []byte(`{"presence":{"ids":[`)
	for i := range users {
		data = append(comma(data, i), users[i].id()...)
	}
	data = append(data, `],"hash":{`...)
	for i := range users {
		data = append(quote(comma(data, i), users[i].ID), ':')
		data = append(data, orNull(users[i].Info)...)
	}
	data = strconv.AppendInt(append(data, `},"count":`...), int64(len(users)), 10)
	return appendFrame(dst, "pusher_internal:subscription_succeeded", channel, append(data, `}}`...))
}

// AppendMemberAdded appends that a user came.
func AppendMemberAdded(dst []byte, channel string, user Member) []byte {
	data := append([]byte(`{"user_id":`), user.id()...)
	data = append(append(data, `,"user_info":`...), orNull(user.Info)...)
	return appendFrame(dst, "pusher_internal:member_added", channel, append(data, '}'))
}

// AppendMemberRemoved appends that a user is gone.
func AppendMemberRemoved(dst []byte, channel string, user Member) []byte {
	data := append([]byte(`{"user_id":`), user.id()...)
	return appendFrame(dst, "pusher_internal:member_removed", channel, append(data, '}'))
}

// AppendCount appends how many subscriptions a channel has.
func AppendCount(dst []byte, channel string, count int) []byte {
	data := strconv.AppendInt([]byte(`{"subscription_count":`), int64(count), 10)
	return appendFrame(dst, "pusher_internal:subscription_count", channel, append(data, '}'))
}

// AppendCacheMiss appends that a cache channel has no last event.
func AppendCacheMiss(dst []byte, channel string) []byte {
	return append(quote(append(dst, `{"event":"pusher:cache_miss","channel":`...), channel), '}')
}

// AppendSubscriptionError appends that a client may not follow a channel. Its kind is what pusher-js calls type; status is that of HTTP.
func AppendSubscriptionError(dst []byte, channel, kind, text string, status int) []byte {
	dst = quote(append(dst, `{"event":"pusher:subscription_error","channel":`...), channel)
	dst = quote(append(dst, `,"data":{"type":`...), kind)
	dst = quote(append(dst, `,"error":`...), text)
	dst = strconv.AppendInt(append(dst, `,"status":`...), int64(status), 10)
	return append(dst, `}}`...)
}

// AppendError appends an error of the connection. Code 0 is none: null, which libraries that read a number take.
func AppendError(dst []byte, code Code, text string) []byte {
	return appendError(append(dst, `{"event":"pusher:error"`...), code, text)
}

// AppendEventError is AppendError for a client event: scripts hear it on its channel too.
func AppendEventError(dst []byte, channel string, code Code, text string) []byte {
	return appendError(quote(append(dst, `{"event":"pusher:error","channel":`...), channel), code, text)
}

func appendError(dst []byte, code Code, text string) []byte {
	dst = append(dst, `,"data":{"code":`...)
	if code == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendUint(dst, uint64(code), 10)
	}
	return append(quote(append(dst, `,"message":`...), text), `}}`...)
}

// Ping asks whether the client lives, and Pong says that the server does.
const (
	Ping = `{"event":"pusher:ping","data":{}}`
	Pong = `{"event":"pusher:pong","data":{}}`
)

// appendFrame appends a frame of an event whose data is JSON. An empty channel is left out.
func appendFrame(dst []byte, event, channel string, data []byte) []byte {
	dst = append(append(dst, `{"event":"`...), event...)
	dst = append(dst, '"')
	if channel != "" {
		dst = quote(append(dst, `,"channel":`...), channel)
	}
	return append(quote(append(dst, `,"data":`...), data), '}')
}

// comma separates what follows from what was before, if something was.
func comma(dst []byte, before int) []byte {
	if before > 0 {
		return append(dst, ',')
	}
	return dst
}

func orNull(value []byte) []byte {
	if len(value) == 0 {
		return []byte("null")
	}
	return value
}
