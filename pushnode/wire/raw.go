package wire

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// What an error message shows of a client's own text at most, in bytes.
const (
	maxShown = 60
	maxPlace = 100
)

// measure returns how deeply valid JSON is nested (a scalar: 0), and whether it holds blanks outside of its strings.
func measure(value []byte) (depth int, spaced bool) {
	open := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '{', '[':
			open++
			depth = max(depth, open)
		case '}', ']':
			open--
		case ' ', '\t', '\r', '\n':
			spaced = true
		case '"':
			i = stringEnd(value, i)
		}
	}
	return depth, spaced
}

// compact copies valid JSON without the blanks outside of its strings.
func compact(value []byte) []byte {
	dst := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := min(stringEnd(value, i), len(value)-1)
			dst = append(dst, value[i:end+1]...)
			i = end
		default:
			dst = append(dst, value[i])
		}
	}
	return dst
}

// stringEnd returns where the string that begins at start has its closing quote, or the end of value.
func stringEnd(value []byte, start int) int {
	for i := start + 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(value)
}

// unquote returns what a valid JSON string says. It aliases value where there is no escape.
func unquote(value jsontext.Value) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, value) // the decoder has found it valid
	return text
}

// quote shows a client's own text in an error message.
func quote(text string) string { return strconv.Quote(clip(text, maxShown)) }

// clip cuts text to at most limit bytes, between characters.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && text[limit]&0xC0 == 0x80 {
		limit--
	}
	return text[:limit] + "…"
}
