package http1

// What tests in package http1_test look at.

// Understood reports whether data begins with a whole request head that the loop answers, for a handler that wants every target.
func Understood(data string) bool {
	var h head
	return h.read([]byte(data), func([]byte) bool { return true }) == whole
}

// Awaited reports whether the loop waits for more of data.
func Awaited(data string) bool {
	var h head
	return h.read([]byte(data), func([]byte) bool { return true }) == partly
}

// The bounds.
const (
	OwnBytes = ownBytes
	MaxHead  = maxHead
	MaxBody  = maxBody
)
