package wire

import (
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object of the protocol: a push, a reply, or an answer of the HTTP API.
type Object interface {
	// appendFields appends the object's members, each but the first after a comma, without braces and without op.
	appendFields(dst []byte) []byte
}

// AppendObject appends the object without op: what SSE, long poll and the HTTP API say.
func AppendObject(dst []byte, object Object) []byte {
	dst = append(dst, '{')
	dst = object.appendFields(dst)
	return append(dst, '}')
}

// appendMember begins a member, the comma before it included unless the object has just begun. Names are the protocol's own
// and need no escape.
func appendMember(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendStringMember(dst []byte, name, value string) []byte {
	return appendString(appendMember(dst, name), value)
}

func appendIntMember(dst []byte, name string, value int64) []byte {
	return strconv.AppendInt(appendMember(dst, name), value, 10)
}

func appendUintMember(dst []byte, name string, value uint64) []byte {
	return strconv.AppendUint(appendMember(dst, name), value, 10)
}

func appendBoolMember(dst []byte, name string, value bool) []byte {
	return strconv.AppendBool(appendMember(dst, name), value)
}

// appendRawMember appends a value that is JSON already; nil stands for null.
func appendRawMember(dst []byte, name string, value []byte) []byte {
	dst = appendMember(dst, name)
	if len(value) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, value...)
}

func appendObjectMember(dst []byte, name string, object Object) []byte {
	return AppendObject(appendMember(dst, name), object)
}

func appendArrayMember[O Object](dst []byte, name string, objects []O) []byte {
	dst = append(appendMember(dst, name), '[')
	for i, object := range objects {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendObject(dst, object)
	}
	return append(dst, ']')
}

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string. What is not UTF-8 becomes U+FFFD; U+2028 and U+2029 are escaped, since not
// every reader of scripts takes them raw.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, text[done:i]...)
			dst = appendEscaped(dst, c)
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, text[done:i]...)
			dst = append(dst, "\uFFFD"...)
			done = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, text[done:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			done = i + size
		}
		i += size
	}
	dst = append(dst, text[done:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
