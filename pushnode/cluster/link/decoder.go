package link

import (
	"fmt"
	"hash/crc32"
	"io"
)

// Bounds of a decoder's buffer in bytes. What a long frame made it grow to beyond keepBytes is let go after that frame.
const (
	bufferBytes = 64 << 10
	keepBytes   = 1 << 20
)

// decoder takes frames from a stream. It holds at most twice what has come of a frame, whatever length the frame claims.
type decoder struct {
	source     io.Reader
	limit      int // of a payload
	buffer     []byte
	start, end int // what is read and not taken yet
}

func newDecoder(source io.Reader, limit int) *decoder {
	return &decoder{source: source, limit: limit, buffer: make([]byte, bufferBytes)}
}

// next returns the next frame, its payload valid until the call after. Errors are errDamaged or the stream's; io.EOF stands for an
// end between frames alone.
func (d *decoder) next() (kind, []byte, error) {
	if d.start == d.end && len(d.buffer) > keepBytes {
		d.buffer, d.start, d.end = make([]byte, bufferBytes), 0, 0
	}
	if err := d.fill(headerBytes); err != nil {
		return 0, nil, err
	}
	k, length, sum, err := parseHeader(d.buffer[d.start:d.start+headerBytes], d.limit)
	if err != nil {
		return 0, nil, err
	}
	if err := d.fill(headerBytes + length); err != nil {
		return 0, nil, err
	}
	payload := d.buffer[d.start+headerBytes : d.start+headerBytes+length]
	d.start += headerBytes + length
	if crc32.Checksum(payload, castagnoli) != sum {
		return 0, nil, fmt.Errorf("%w: checksum of %d bytes", errDamaged, length)
	}
	return k, payload, nil
}

// fill reads until n bytes are there.
func (d *decoder) fill(n int) error {
	for d.end-d.start < n {
		d.room(n)
		read, err := d.source.Read(d.buffer[d.end:])
		d.end += read
		switch {
		case d.end-d.start >= n:
			return nil
		case err == io.EOF && d.end > d.start:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}

// room makes space to read into: at the front first, then by doubling, up to what n needs.
func (d *decoder) room(n int) {
	if d.start > 0 && (d.start == d.end || d.start+n > len(d.buffer)) {
		d.end = copy(d.buffer, d.buffer[d.start:d.end])
		d.start = 0
	}
	if d.end == len(d.buffer) {
		grown := make([]byte, max(min(2*len(d.buffer), n), len(d.buffer)+1))
		copy(grown, d.buffer)
		d.buffer = grown
	}
}
