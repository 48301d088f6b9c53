package channel

import (
	"bytes"
	"unsafe"

	"halley/pushnode/coding"
)

// writer appends values, those of this package among them.
type writer struct{ coding.Writer }

func newWriter(dst []byte) writer { return writer{coding.Writer{Data: dst}} }

func (w *writer) id(id ID)         { w.Text(id.App); w.Text(id.Name) }
func (w *writer) texts(t []string) { w.Count(len(t)); each(t, w.Text) }

func each[T any](list []T, do func(T)) {
	for _, one := range list {
		do(one)
	}
}

// reader reads them.
type reader struct{ coding.Reader }

// text reads a string that shares the input's memory. That is what makes a decoded publication cost no copy; it is sound because
// log entries never change (DecodeBatch asks for it).
func (r *reader) text() string {
	b := r.Bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (r *reader) id() ID { return ID{App: r.text(), Name: r.text()} }

func (r *reader) texts() []string { return list(r, 1, r.text) }

// list reads a list of items that take least bytes each at the least; an empty one is nil.
func list[T any](r *reader, least int, read func() T) []T {
	count := r.Count(least)
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
	w.Fixed(e.Cluster)
	w.Number(uint64(e.Generation))
	w.Number(e.Incarnation)
}

func (r *reader) epoch() Epoch {
	return Epoch{Cluster: r.Fixed(), Generation: r.Number32(), Incarnation: r.Number()}
}

func (w *writer) position(p Position) { w.epoch(p.Epoch); w.Number(p.Offset) }

func (r *reader) position() Position { return Position{Epoch: r.epoch(), Offset: r.Number()} }

// optional writes whether there is a value, and then the value.
func optional[T any](w *writer, value *T, write func(T)) {
	w.Bool(value != nil)
	if value != nil {
		write(*value)
	}
}

func maybe[T any](r *reader, read func() T) *T {
	if !r.Bool() {
		return nil
	}
	value := read()
	return &value
}

// owned is a reader of a copy of data: what it reads shares memory with itself alone.
func owned(data []byte) *reader { return &reader{coding.Read(bytes.Clone(data), ErrEncoding)} }

// decode reads one value that is all of data, and shares no memory with it.
func decode[T any](data []byte, read func(*reader) T) (T, error) {
	r := owned(data)
	value := read(r)
	if err := r.End(); err != nil {
		var none T
		return none, err
	}
	return value, nil
}

func (r *reader) secret() (hash [32]byte) {
	copy(hash[:], r.Take(len(hash)))
	return hash
}
