// Package coding reads and writes the values that log entries, states and frames between nodes are made of: numbers, texts, bytes, lists.
//
// It knows none of these things: each package writes down the order of its own values. It is not what clients speak (package wire).
//
// Start reading at Writer and Reader.
package coding

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Writer appends values to Data: numbers as varints, texts and bytes with their length before them.
type Writer struct{ Data []byte }

// Byte appends one byte.
func (w *Writer) Byte(b byte) { w.Data = append(w.Data, b) }

// Number appends a varint.
func (w *Writer) Number(n uint64) { w.Data = binary.AppendUvarint(w.Data, n) }

// Signed appends a varint of either sign.
func (w *Writer) Signed(n int64) { w.Data = binary.AppendVarint(w.Data, n) }

// Fixed appends a number in 8 bytes, little endian: for what is random, and so not small.
func (w *Writer) Fixed(n uint64) { w.Data = binary.LittleEndian.AppendUint64(w.Data, n) }

// Count appends how many items follow.
func (w *Writer) Count(n int) { w.Number(uint64(n)) }

// Text appends a text.
func (w *Writer) Text(s string) { w.Count(len(s)); w.Data = append(w.Data, s...) }

// Bytes appends bytes; none and nil are alike.
func (w *Writer) Bytes(b []byte) { w.Count(len(b)); w.Data = append(w.Data, b...) }

// Fixeds appends a list of numbers of 8 bytes.
func (w *Writer) Fixeds(list []uint64) {
	w.Count(len(list))
	for _, n := range list {
		w.Fixed(n)
	}
}

// Bool appends one byte, 0 or 1.
func (w *Writer) Bool(b bool) {
	if b {
		w.Byte(1)
		return
	}
	w.Byte(0)
}

// Reader takes values off the front of its data. After the first mistake it returns zeros; End tells the mistake. What it returns shares
// the data's memory.
type Reader struct {
	wrong error // that every mistake wraps
	size  int
	rest  []byte
	err   error
}

// Read returns a reader of data, whose mistakes wrap wrong.
func Read(data []byte, wrong error) Reader { return Reader{wrong: wrong, size: len(data), rest: data} }

// Fail notes a mistake at this place, if it is the first.
func (r *Reader) Fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s near byte %d", r.wrong, what, r.size-len(r.rest))
	}
	r.rest = nil
}

// Err returns the first mistake so far.
func (r *Reader) Err() error { return r.err }

// End returns the first mistake, which is also that something is left over.
func (r *Reader) End() error {
	if len(r.rest) > 0 {
		r.Fail("end")
	}
	return r.err
}

// Left is how many bytes are left.
func (r *Reader) Left() int { return len(r.rest) }

// Take returns the next n bytes, which cannot be appended to.
func (r *Reader) Take(n int) []byte {
	if n > len(r.rest) {
		r.Fail("length")
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

// Rest returns all that is left; nothing is nil.
func (r *Reader) Rest() []byte {
	if len(r.rest) == 0 {
		return nil
	}
	return r.Take(len(r.rest))
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail("byte")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// Bool reads a byte that is 0 or 1.
func (r *Reader) Bool() bool {
	b := r.Byte()
	if b > 1 {
		r.Fail("bool")
	}
	return b == 1
}

// Number reads a varint.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.Fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Number32 reads a varint of at most 32 bits.
func (r *Reader) Number32() uint32 {
	n := r.Number()
	if n > math.MaxUint32 {
		r.Fail("number")
		return 0
	}
	return uint32(n)
}

// Signed reads a varint of either sign.
func (r *Reader) Signed() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.Fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Fixed reads a number of 8 bytes.
func (r *Reader) Fixed() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Count reads how many items follow that take least bytes each at the least: no wrong count makes anybody allocate more than a small
// multiple of the data.
func (r *Reader) Count(least int) int {
	n := r.Number()
	if n > uint64(len(r.rest)/least) {
		r.Fail("count")
		return 0
	}
	return int(n)
}

// Bytes reads bytes; none are nil.
func (r *Reader) Bytes() []byte {
	if n := r.Count(1); n > 0 {
		return r.Take(n)
	}
	return nil
}

// Fixeds reads a list of numbers of 8 bytes; an empty one is nil.
func (r *Reader) Fixeds() []uint64 {
	count := r.Count(8)
	if count == 0 {
		return nil
	}
	list := make([]uint64, count)
	for i := range list {
		list[i] = r.Fixed()
	}
	return list
}
