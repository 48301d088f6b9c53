package http1

import "bytes"

// verdict is what a look at the bytes of a request says.
type verdict int

const (
	foreign verdict = iota // net/http is to have it
	partly                 // so far so good: there must come more
	whole                  // it is all there, and plain
)

// head is what is read out of a request's head. Its parts share the memory of what was read.
type head struct {
	size          int // bytes, with the empty line
	length        int // of the body, in bytes
	target        []byte
	authorization []byte
	contentType   []byte
	requestID     []byte
}

// The parts of a request line that is read here: RFC 9112 section 3, with one method and one version.
const (
	lineBegin = "POST "
	lineEnd   = " HTTP/1.1"
)

var (
	crlf    = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
)

// read reads the head that data begins with. It takes what RFC 9112 has every server take in the same sense, and of that only the plain
// part; in doubt the request is foreign. Line ends are CR LF alone, no header is folded, a name is followed by its colon at once, and
// nothing stands in a value but printable ASCII and blanks.
func (h *head) read(data []byte, wants func(target []byte) bool) verdict {
	*h = head{}
	if begin := min(len(data), len(lineBegin)); string(data[:begin]) != lineBegin[:begin] {
		return foreign
	}
	end := bytes.Index(data, headEnd)
	switch {
	case end < 0 && len(data) < maxHead && h.hopeful(data, wants):
		return partly
	case end < 0 || end > maxHead-len(headEnd):
		return foreign
	}
	h.size = end + len(headEnd)
	line, fields, _ := bytes.Cut(data[:end+len(crlf)], crlf)
	if !h.readLine(line) || !wants(h.target) || !h.readFields(fields) {
		return foreign
	}
	return whole
}

// hopeful reports whether the first part of a head may become one that is read here.
func (h *head) hopeful(data []byte, wants func(target []byte) bool) bool {
	lineEnds := bytes.Count(data, crlf)
	if bytes.Count(data, crlf[1:]) > lineEnds {
		return false // a bare line feed
	}
	line, _, ended := bytes.Cut(data, crlf)
	return !ended || h.readLine(line) && wants(h.target)
}

// readLine reads the request line.
func (h *head) readLine(line []byte) bool {
	target, found := bytes.CutSuffix(bytes.TrimPrefix(line, []byte(lineBegin)), []byte(lineEnd))
	for _, char := range target {
		if classes[char]&inTarget == 0 {
			return false
		}
	}
	h.target = target
	return found && len(target) > 0 && target[0] == '/'
}

// readFields reads the header fields, each of which ends with CR LF.
func (h *head) readFields(fields []byte) bool {
	seen := fieldSet(0)
	for len(fields) > 0 {
		line, rest, _ := bytes.Cut(fields, crlf)
		name, value, found := bytes.Cut(line, colon)
		if !found {
			return false
		}
		field := fieldOf(name)
		value, plain := plainValue(value)
		if field == unknownField || !plain || field.single() && seen.has(field) || !h.take(field, value) {
			return false
		}
		seen.add(field)
		fields = rest
	}
	return seen.has(hostField) && seen.has(lengthField)
}

var colon = []byte(":")

// plainValue is a field's value without the blanks around it, if it is plain.
func plainValue(value []byte) ([]byte, bool) {
	for _, char := range value {
		if classes[char]&inValue == 0 {
			return nil, false
		}
	}
	return bytes.Trim(value, " "), true
}

// take takes in the value of a field, if that is one that is understood here.
func (h *head) take(field field, value []byte) bool {
	switch field {
	case hostField:
		return plainHost(value)
	case lengthField:
		h.length = plainLength(value)
		return h.length > 0
	case connectionField:
		return bytes.EqualFold(value, []byte("keep-alive"))
	case authorizationField:
		h.authorization = value
	case typeField:
		h.contentType = value
	case requestIDField:
		h.requestID = value
	}
	return true
}

// plainHost reports whether a value of Host is a name or an address, with or without a port.
func plainHost(value []byte) bool {
	for _, char := range value {
		if classes[char]&inHost == 0 {
			return false
		}
	}
	return len(value) > 0
}

// plainLength reads a length from 1 to maxBody, written without sign, blanks or leading zeros; 0: it is none such.
func plainLength(value []byte) int {
	const digits = 6 // more than maxBody has
	if len(value) == 0 || len(value) > digits || value[0] == '0' {
		return 0
	}
	length := 0
	for _, char := range value {
		if char < '0' || char > '9' {
			return 0
		}
		length = 10*length + int(char-'0')
	}
	if length > maxBody {
		return 0
	}
	return length
}

// The classes of bytes.
const (
	inTarget = 1 << iota // unreserved characters, some that no router gives a meaning, and those of a query: neither % nor + nor #
	inValue              // printable ASCII and the blank
	inHost               // of names, addresses and ports
)

var classes = func() (table [256]byte) {
	for char := ' '; char <= '~'; char++ {
		table[char] |= inValue
	}
	for char := range table {
		switch c := byte(char); {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == ':', c == '_':
			table[c] |= inTarget | inHost
		case c == '=', c == '@', c == ',', c == ';', c == '/', c == '~', c == '?', c == '&':
			table[c] |= inTarget
		case c == '[', c == ']':
			table[c] |= inHost
		}
	}
	return table
}()
