package wire

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// rawItem is one element of an array whose faults must not spoil the others: well-formed JSON that has not been looked into.
type rawItem struct {
	value   []byte
	base    int // where it begins in the request
	pointer string
}

func (i rawItem) read() *reader { return read(i.value, i.base, i.pointer) }

// decodeItems reads {"messages":[…]}: at least one item, at most limit.
func decodeItems(body []byte, limit int) ([]rawItem, *Error) {
	r := readLenient(body)
	defer r.release()
	var items []rawItem
	fault := r.members("a batch is a JSON object", func(name string) (known bool, fault *Error) {
		if name != "messages" {
			return false, nil
		}
		items, fault = r.items(name, limit)
		return true, fault
	})
	if fault == nil && items == nil {
		fault = r.missing("messages")
	}
	if fault == nil {
		fault = r.end()
	}
	return items, fault
}

// readLenient is read, but names may stand twice: an item that has one is refused when it is read itself.
func readLenient(input []byte) *reader {
	r := read(input, 0, "")
	r.decoder.Reset(&r.buffer, jsontext.AllowDuplicateNames(true))
	return r
}

// members reads an object: field is called for each name, and reads its value or does not know it. No name may stand twice.
func (r *reader) members(what string, field func(name string) (known bool, fault *Error)) *Error {
	if fault := r.begin('{', what); fault != nil {
		return fault
	}
	seen := make(map[string]bool)
	for {
		raw, more, fault := r.member()
		if fault != nil || !more {
			return fault
		}
		name := string(raw)
		if seen[name] {
			return r.errorf(CodeDuplicateName, r.nameAt, r.place(), twice(name))
		}
		seen[name] = true
		known, fault := field(name)
		if !known && fault == nil {
			fault = r.unknown([]byte(name))
		}
		if fault != nil {
			return fault
		}
	}
}

// items reads an array of at least one and at most limit values, which alias the input.
func (r *reader) items(name string, limit int) ([]rawItem, *Error) {
	if fault := r.begin('[', quote(name)+" is not an array"); fault != nil {
		return nil, fault
	}
	var items []rawItem
	for {
		more, fault := r.more()
		if fault != nil {
			return nil, fault
		}
		if !more && len(items) == 0 {
			return nil, r.invalid(quote(name) + " is empty")
		}
		if !more {
			return items, nil
		}
		if len(items) == limit {
			return nil, r.invalid(quote(name) + " has more than " + strconv.Itoa(limit) + " items")
		}
		value, fault := r.value()
		if fault != nil {
			return nil, fault
		}
		start := int(r.start(value))
		pointer := "/" + name + "/" + strconv.Itoa(len(items))
		items = append(items, rawItem{value: r.input[start : start+len(value)], base: start, pointer: pointer})
	}
}
