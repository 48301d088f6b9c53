package host

import (
	"encoding/binary"
	"errors"
	"fmt"

	"halley/pushnode/channel"
)

// ErrFrame is wrapped by every error about bytes that are not a frame.
var ErrFrame = errors.New("not a frame")

// frameReader takes values off the front of rest. After the first mistake it returns zeros; end tells the mistake. What it returns
// shares the input's memory unless it is a string.
type frameReader struct {
	rest []byte
	err  error
}

func (r *frameReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFrame, what)
	}
	r.rest = nil
}

// end returns the first mistake, which is also that something is left over.
func (r *frameReader) end() error {
	if len(r.rest) > 0 {
		r.fail("bytes after its end")
	}
	return r.err
}

func (r *frameReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("it ends early")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *frameReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail("a number is damaged")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *frameReader) instance() uint64 {
	if len(r.rest) < 8 {
		r.fail("an instance id is cut off")
		return 0
	}
	n := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return n
}

// count reads how many items follow. Each takes a byte at least, so that a wrong count cannot make anybody allocate much.
func (r *frameReader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail("a count is too high")
		return 0
	}
	return int(n)
}

func (r *frameReader) bytes() []byte {
	n := r.count()
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *frameReader) remainder() []byte {
	taken := r.rest
	r.rest = nil
	return taken
}

func (r *frameReader) instances() []uint64 {
	count := r.count()
	if count == 0 {
		return nil
	}
	list := make([]uint64, 0, min(count, len(r.rest)/8))
	for range count {
		list = append(list, r.instance())
	}
	return list
}

func (r *frameReader) channel() channel.ID {
	return channel.ID{App: string(r.bytes()), Name: string(r.bytes())}
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendInstances(dst []byte, list []uint64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, instance := range list {
		dst = binary.LittleEndian.AppendUint64(dst, instance)
	}
	return dst
}

func appendChannel(dst []byte, id channel.ID) []byte {
	return appendText(appendText(dst, id.App), id.Name)
}
