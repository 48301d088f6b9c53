package wire

import "strconv"

// AppendEvent appends the push as a server-sent event. id is the cursor that stands after it, or "" for none.
func AppendEvent(dst []byte, push Push, id string) []byte {
	dst = appendEventHead(dst, push.Op(), id)
	dst = AppendObject(dst, push)
	return append(dst, '\n', '\n')
}

// AppendRetry appends the field that tells an EventSource how long to wait before it reconnects, in ms.
func AppendRetry(dst []byte, wait int64) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, wait, 10)
	return append(dst, '\n', '\n')
}

// appendEventHead appends all of an event that stands before its data. Objects are compact JSON and hold no line end, nor do
// ops and cursors: an event is always three lines and an empty one.
func appendEventHead(dst []byte, op, id string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, op...)
	if id != "" {
		dst = append(dst, "\nid: "...)
		dst = append(dst, id...)
	}
	return append(dst, "\ndata: "...)
}
