package sockjs

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Lines of the server that are always the same (SockJS 0.3.3, "Framing").
const (
	Open      = "o\n" // the conversation begins; a client that has one takes it for lost
	Heartbeat = "h\n" // the server lives; who streams answers with no texts, who polls with the next poll
)

// Prelude is the first line of a stream: 2 KB that no proxy or browser keeps back, as they may what is short. Clients take it for a heartbeat.
var Prelude = []byte(strings.Repeat("h", 2048) + "\n")

// MaxStreamUnits bounds a stream: a browser keeps all of it. pusher-js leaves one of which it has more, and asks for another, but loses what
// was on its way. So a stream ends with the line that goes beyond: that is where pusher-js leaves it.
const MaxStreamUnits = 256 << 10

// AppendMessage appends the line of one text.
func AppendMessage(dst, text []byte) []byte {
	return append(quote(append(dst, "a["...), text), "]\n"...)
}

// AppendClose appends the line that ends a conversation.
func AppendClose(dst []byte, code int, reason string) []byte {
	dst = append(strconv.AppendInt(append(dst, "c["...), int64(code), 10), ',')
	return append(quote(dst, reason), "]\n"...)
}

// Units is how long JavaScript takes a text for: its length in UTF-16.
func Units(text []byte) int {
	units := 0
	for _, char := range text {
		if char&0xC0 != 0x80 { // a character begins
			units++
		}
		if char >= 0xF0 { // one that takes two units
			units++
		}
	}
	return units
}

// Cut returns how many bytes of whole lines fit into so many units, with the line that goes beyond, and how many units those lines are.
func Cut(lines []byte, most int) (size, units int) {
	for size < len(lines) && units <= most {
		end := size + bytes.IndexByte(lines[size:], '\n') + 1
		if end == size {
			break // half a line, which there is none of
		}
		units += Units(lines[size:end])
		size = end
	}
	return size, units
}

// quote appends text as a JSON string. Its only error is that what is no UTF-8 was replaced, which is as wanted.
func quote[text ~[]byte | ~string](dst []byte, src text) []byte {
	dst, _ = jsontext.AppendQuote(dst, src)
	return dst
}
