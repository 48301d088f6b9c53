package frame

import "unsafe"

// Held returns for how many bytes of a message and of a control frame a Reader keeps room. It is not open where it keeps nothing at all.
func (r *Reader) Held() (message, control int, open bool) {
	if r.open == nil {
		return 0, 0, false
	}
	return cap(r.open.message.payload), cap(r.open.control), true
}

// Unmask is unmask.
func Unmask(p []byte, key uint32) uint32 { return unmask(p, key) }

// MaxStreams is maxStreams.
const MaxStreams = maxStreams

// Size returns the bytes of a Reader between messages.
func Size() uintptr { return unsafe.Sizeof(Reader{}) }
