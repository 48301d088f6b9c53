package channel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// writer appends values: numbers as varints, texts and bytes with their length before them.
type writer struct{ data []byte }

func (w *writer) byte(b byte)      { w.data = append(w.data, b) }
func (w *writer) number(n uint64)  { w.data = binary.AppendUvarint(w.data, n) }
func (w *writer) signed(n int64)   { w.data = binary.AppendVarint(w.data, n) }
func (w *writer) fixed(n uint64)   { w.data = binary.LittleEndian.AppendUint64(w.data, n) }
func (w *writer) count(n int)      { w.number(uint64(n)) }
func (w *writer) text(s string)    { w.count(len(s)); w.data = append(w.data, s...) }
func (w *writer) bytes(b []byte)   { w.count(len(b)); w.data = append(w.data, b...) }
func (w *writer) id(id ID)         { w.text(id.App); w.text(id.Name) }
func (w *writer) texts(t []string) { w.count(len(t)); each(t, w.text) }

func (w *writer) bool(b bool) {
	if b {
		w.byte(1)
		return
	}
	w.byte(0)
}

func each[T any](list []T, do func(T)) {
	for _, one := range list {
		do(one)
	}
}

// reader takes values off the front of rest. After the first mistake it returns zeros; end tells the mistake.
type reader struct {
	data []byte
	rest []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s near byte %d", ErrEncoding, what, len(r.data)-len(r.rest))
	}
	r.rest = nil
}

// end returns the first mistake, which is also that something is left over.
func (r *reader) end() error {
	if len(r.rest) > 0 {
		r.fail("end")
	}
	return r.err
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("byte")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("bool")
	}
	return b == 1
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) number32() uint32 {
	n := r.number()
	if n > math.MaxUint32 {
		r.fail("number")
		return 0
	}
	return uint32(n)
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// take returns the next n bytes. They share the input's memory and cannot be appended to.
func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("length")
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) fixed() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads how many items follow. Each takes a byte at least, so that a wrong count cannot make anybody allocate much.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail("count")
		return 0
	}
	return int(n)
}

// bytes reads bytes that share the input's memory; none are nil.
func (r *reader) bytes() []byte {
	if n := r.count(); n > 0 {
		return r.take(n)
	}
	return nil
}

// text reads a string that shares the input's memory. That is what makes a decoded publication cost no copy; it is sound because
// log entries never change (DecodeBatch asks for it).
func (r *reader) text() string {
	b := r.bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (r *reader) id() ID { return ID{App: r.text(), Name: r.text()} }

func (r *reader) texts() []string { return list(r, 1, r.text) }

// list reads a list of items that take least bytes each at the least: no count makes it allocate more than a small multiple of
// the input.
func list[T any](r *reader, least int, read func() T) []T {
	count := r.count()
	if count > len(r.rest)/least {
		r.fail("count")
		return nil
	}
	if count == 0 {
		return nil
	}
	items := make([]T, 0, count)
	for range count {
		items = append(items, read())
	}
	return items
}

func (w *writer) epoch(e Epoch) {
	w.fixed(e.Cluster)
	w.number(uint64(e.Generation))
	w.number(e.Incarnation)
}

func (r *reader) epoch() Epoch {
	return Epoch{Cluster: r.fixed(), Generation: r.number32(), Incarnation: r.number()}
}

func (w *writer) position(p Position) { w.epoch(p.Epoch); w.number(p.Offset) }

func (r *reader) position() Position { return Position{Epoch: r.epoch(), Offset: r.number()} }

// optional writes whether there is a value, and then the value.
func optional[T any](w *writer, value *T, write func(T)) {
	w.bool(value != nil)
	if value != nil {
		write(*value)
	}
}

func maybe[T any](r *reader, read func() T) *T {
	if !r.bool() {
		return nil
	}
	value := read()
	return &value
}

// owned is a reader of a copy of data: what it reads shares memory with itself alone.
func owned(data []byte) *reader {
	data = bytes.Clone(data)
	return &reader{data: data, rest: data}
}

func (r *reader) secret() (hash [32]byte) {
	copy(hash[:], r.take(len(hash)))
	return hash
}
