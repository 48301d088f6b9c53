package pusher

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep stored JSON may be nested: as deep as Halley's own publishers may nest theirs.
const maxDepth = 32

// DataOf returns how the text that a Pusher publisher sent is stored: as JSON, as all data of Halley is. A text that is itself JSON and
// stands on one line is stored as it is, byte for byte, spaces and all, so that native subscribers receive the value; every other text
// (plain, a quoted JSON string, JSON over several lines, with a name twice or nested more than 32 deep) is stored as a JSON string of it.
// AppendText gives the text back. What is not UTF-8 in text comes back as U+FFFD.
func DataOf(text string) []byte {
	if plainJSON(text) {
		return []byte(text)
	}
	return quote(make([]byte, 0, len(text)+2), text)
}

// AppendText appends the JSON string that a Pusher subscriber receives for stored data: a stored string is sent as it is, every other
// value as a string of its bytes.
func AppendText(dst, data []byte) []byte {
	if value := bytes.TrimLeft(data, " "); len(value) > 0 && value[0] == '"' {
		return append(dst, bytes.TrimRight(value, " ")...)
	}
	return quote(dst, data)
}

// plainJSON reports whether text is stored as it is.
func plainJSON(text string) bool {
	value := jsontext.Value(text)
	return maybeJSON(value) && value.IsValid() && shallow(value)
}

// maybeJSON tells most texts that are no plain JSON by a look at their bytes: strings are none of it, nor are control characters.
func maybeJSON(text []byte) bool {
	value := bytes.TrimLeft(text, " ")
	if len(value) == 0 || bytes.IndexByte([]byte("{[tfn-0123456789"), value[0]) < 0 {
		return false
	}
	return bytes.IndexFunc(text, func(char rune) bool { return char < ' ' }) < 0
}

// shallow reports whether a valid value is nested no deeper than maxDepth. Most have not even so many openings.
func shallow(value jsontext.Value) bool {
	if bytes.Count(value, []byte("{"))+bytes.Count(value, []byte("[")) <= maxDepth {
		return true
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value))
	for {
		if _, err := decoder.ReadToken(); err != nil {
			return err == io.EOF
		}
		if decoder.StackDepth() > maxDepth {
			return false
		}
	}
}

// quote appends text as a JSON string. Its only error is that what is no UTF-8 was replaced, which is as wanted.
func quote[text ~[]byte | ~string](dst []byte, src text) []byte {
	dst, _ = jsontext.AppendQuote(dst, src)
	return dst
}
