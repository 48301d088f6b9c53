package wire

import (
	"bytes"
	"unicode/utf8"
)

// quickPublish reads a publication as DecodePublish does, in a fraction of the time, if it is plain: names and texts without escapes,
// objects of few members, little nesting. found is false where it is not, or where anything is wrong with it: then the strict reader,
// which knows what to say, has to look at it.
func quickPublish(body []byte) (publish Publish, found bool) {
	s := scanner{text: body}
	found = s.object(0, func(name []byte) bool {
		switch string(name) {
		case "data":
			return s.data(&publish.Data)
		case "event":
			return s.label(&publish.Event, MaxEventRunes)
		case "id":
			return s.label(&publish.ID, MaxMessageIDBytes)
		case "exclude":
			return s.label(&publish.Exclude, MaxMessageIDBytes)
		default:
			return false
		}
	})
	s.blanks()
	return publish, found && s.at == len(body) && publish.Data != nil
}

// What a plain publication may have at most.
const (
	quickDepth   = 8  // objects and arrays within each other
	quickMembers = 16 // members of an object: each name is compared with all before it
)

// scanner goes over JSON (RFC 8259, and RFC 7493 on names and UTF-8) and says no to whatever is not plain.
type scanner struct {
	text   []byte
	at     int
	spaced bool // there were blanks outside of strings
}

// data copies any value, without blanks outside of its strings.
func (s *scanner) data(to *[]byte) bool {
	s.spaced = false
	begin := s.at
	if !s.value(1) {
		return false
	}
	if value := s.text[begin:s.at]; s.spaced {
		*to = compact(value)
	} else {
		*to = bytes.Clone(value)
	}
	return true
}

// label reads a text of 1 to limit printable ASCII characters: what any of the three may be, and most are.
func (s *scanner) label(to *string, limit int) bool {
	text, plain := s.name()
	for _, char := range text {
		plain = plain && char < '\x7f'
	}
	*to = string(text)
	return plain && len(text) > 0 && len(text) <= limit
}

// value goes over a value at a depth.
func (s *scanner) value(depth int) bool {
	if s.at >= len(s.text) || depth > quickDepth {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.string()
	case '{':
		return s.object(depth, func([]byte) bool { return s.value(depth + 1) })
	case '[':
		return s.array(depth)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// object goes over an object. member is called before the value of each member, and goes over that.
func (s *scanner) object(depth int, member func(name []byte) bool) bool {
	var names [quickMembers][]byte
	s.blanks()
	if !s.next('{') {
		return false
	}
	for count := 0; ; count++ {
		s.blanks()
		if count == 0 && s.next('}') {
			return true
		}
		name, plain := s.name()
		if !plain || count == quickMembers || contains(names[:count], name) {
			return false
		}
		names[count] = name
		if s.blanks(); !s.next(':') {
			return false
		}
		if s.blanks(); !member(name) {
			return false
		}
		if s.blanks(); s.next('}') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func contains(names [][]byte, name []byte) bool {
	for _, known := range names {
		if bytes.Equal(known, name) {
			return true
		}
	}
	return false
}

func (s *scanner) array(depth int) bool {
	s.at++
	s.blanks()
	if s.next(']') {
		return true
	}
	for {
		if s.blanks(); !s.value(depth + 1) {
			return false
		}
		if s.blanks(); s.next(']') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

// name reads a string without escapes.
func (s *scanner) name() (text []byte, plain bool) {
	begin := s.at + 1
	if !s.string() {
		return nil, false
	}
	text = s.text[begin : s.at-1]
	return text, bytes.IndexByte(text, '\\') < 0
}

// string goes over a string of valid UTF-8 that has no escapes but the short ones.
func (s *scanner) string() bool {
	if !s.next('"') {
		return false
	}
	begin, ascii := s.at, true
	for ; s.at < len(s.text); s.at++ {
		char := s.text[s.at]
		if char >= ' ' && char < utf8.RuneSelf && char != '"' && char != '\\' {
			continue // most are
		}
		switch {
		case char == '"':
			s.at++
			return ascii || utf8.Valid(s.text[begin:s.at])
		case char == '\\':
			if s.at++; s.at == len(s.text) || bytes.IndexByte(shortEscapes, s.text[s.at]) < 0 {
				return false
			}
		case char < ' ':
			return false
		default:
			ascii = false
		}
	}
	return false
}

var shortEscapes = []byte(`"\/bfnrt`)

// number goes over a number: RFC 8259 section 6.
func (s *scanner) number() bool {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return false
	}
	if s.next('.') && !s.digits() {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// next passes over a character, if it is the next.
func (s *scanner) next(char byte) bool {
	if s.at < len(s.text) && s.text[s.at] == char {
		s.at++
		return true
	}
	return false
}

func (s *scanner) blanks() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\r' || s.text[s.at] == '\t') {
		s.at++
		s.spaced = true
	}
}
