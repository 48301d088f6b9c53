package frame

import (
	"compress/flate"
	"sync"
)

// flushBytes is the length of the empty block that a flush ends with, and that no message carries: RFC 7692, section 7.2.1.
const flushBytes = 4

// deflaters hold 1.2 MB each. There are as many as messages are compressed at the same time, about one for each core, and none after two
// collections without any.
var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	stream, err := flate.NewWriter(d, flate.BestSpeed)
	if err != nil {
		panic(err) // of a level that does not exist
	}
	d.stream = stream
	return d
}}

// deflater compresses one message at a time.
type deflater struct {
	stream *flate.Writer
	out    []byte
}

// Write takes what the stream has compressed.
func (d *deflater) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

// AppendDeflated appends payload as the payload of a frame with wire.OpcodeDeflated. Nothing before it is referred to (no context
// takeover), so that it is the same for every client. It is longer than payload, by some bytes,
// where that cannot be compressed: then the plain one should be sent.
func AppendDeflated(dst, payload []byte) []byte {
	d := deflaters.Get().(*deflater)
	d.out = dst
	d.stream.Reset(d)
	_, err := d.stream.Write(payload)
	if err == nil {
		err = d.stream.Flush()
	}
	if err != nil {
		panic(err) // Write never fails
	}
	out := d.out[:len(d.out)-flushBytes]
	d.out = nil // the pool keeps no message
	deflaters.Put(d)
	return out
}
