package frame

import (
	"compress/flate"
	"io"
	"sync"
)

// deflateTail is what a sender cuts from the end of a message, an empty block (RFC 7692, section 7.2.2), and then the last block of a DEFLATE
// stream. By that one a message which ends amid a block is told from one that is whole.
const deflateTail = "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff"

// maxStreams is how many final blocks a message may have, its tail's among them. RFC 7692, section 7.2.1, sets no bound, but for each a
// decoder is set up: half a microsecond for two bytes, 16 ms for a message of 64 KB. Encoders make one at most.
const maxStreams = 16

// deflatedBound returns how many bytes a message of n bytes has at most when it is compressed, by the most careless settings of zlib
// (deflateBound there). Only an attacker sends more.
func deflatedBound(n int) int { return n + n/8 + n/64 + 16 }

// inflaters hold 40 KB each. There are as many as messages are inflated at the same time, and none after two collections without any.
var inflaters = sync.Pool{New: func() any {
	in := new(inflater)
	in.stream = flate.NewReader(&in.source)
	return in
}}

// inflater inflates one message at a time.
type inflater struct {
	source source
	stream io.ReadCloser // also a flate.Resetter
}

// inflate returns a message of at most limit bytes. One that would have more costs no more than that either.
func inflate(deflated []byte, limit int) ([]byte, *Error) {
	in := inflaters.Get().(*inflater)
	in.source = source{payload: deflated, tail: deflateTail}
	out, err := in.run(make([]byte, 0, min(limit+1, 4*len(deflated)+1)), limit)
	in.source = source{} // the pool keeps no message
	inflaters.Put(in)
	return out, err
}

func (in *inflater) run(out []byte, limit int) ([]byte, *Error) {
	for range maxStreams {
		if in.stream.(flate.Resetter).Reset(&in.source, nil) != nil {
			return nil, errDeflated
		}
		var err *Error
		if out, err = in.readStream(out, limit); err != nil || in.source.empty() {
			return out, err
		}
	}
	return nil, errDeflated
}

// readStream appends what comes up to the next final block. One byte beyond the limit is asked for, to see whether there is more.
func (in *inflater) readStream(out []byte, limit int) ([]byte, *Error) {
	for {
		out = extend(out, 1, limit+1)
		n, err := in.stream.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, ErrTooLarge
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, errDeflated
		}
	}
}

// source reads a payload and then a tail. It is an io.ByteReader, so that the decoder takes not one byte more than belongs to a stream.
type source struct {
	payload []byte
	tail    string
}

func (s *source) Read(p []byte) (n int, err error) {
	if s.empty() {
		return 0, io.EOF
	}
	n = copy(p, s.payload)
	s.payload = s.payload[n:]
	m := copy(p[n:], s.tail)
	s.tail = s.tail[m:]
	return n + m, nil
}

func (s *source) ReadByte() (b byte, err error) {
	switch {
	case len(s.payload) > 0:
		b, s.payload = s.payload[0], s.payload[1:]
	case s.tail != "":
		b, s.tail = s.tail[0], s.tail[1:]
	default:
		return 0, io.EOF
	}
	return b, nil
}

func (s *source) empty() bool { return len(s.payload) == 0 && s.tail == "" }
