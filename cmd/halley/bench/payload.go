package bench

import "bytes"

// A payload is a JSON string that says which message it is:
//
//	"halley:FFFF:NNNNNNNNNN:xxx…"
//
// F is the number of the flow and N the number of the message in it, both decimal and of fixed width, so that a request need not be made
// anew for each message. The quotes are part of it: servers without JSON pass them on as they are.
var payloadMark = []byte(`"halley:`)

const (
	flowDigits   = 4
	numberDigits = 10
)

// appendPayload appends a payload of so many bytes, minBytes at least.
func appendPayload(dst []byte, size, flow int, number uint32) []byte {
	start := len(dst)
	dst = append(dst, payloadMark...)
	dst = append(appendDigits(dst, flowDigits, uint32(flow)), ':')
	dst = append(appendDigits(dst, numberDigits, number), ':')
	for len(dst)-start < size-1 {
		dst = append(dst, 'x')
	}
	return append(dst, '"')
}

// appendDigits appends a number of fixed width.
func appendDigits(dst []byte, width int, number uint32) []byte {
	start := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := start + width - 1; number > 0; i-- {
		dst[i] = byte('0' + number%10)
		number /= 10
	}
	return dst
}

// parsePayload finds the payload in a message. What has none is not a message of a run: a ping, say.
func parsePayload(message []byte) (flow int, number uint32, ok bool) {
	at := bytes.Index(message, payloadMark)
	if at < 0 {
		return 0, 0, false
	}
	rest := message[at+len(payloadMark):]
	if len(rest) < flowDigits+1+numberDigits+1 || rest[flowDigits] != ':' || rest[flowDigits+1+numberDigits] != ':' {
		return 0, 0, false
	}
	first, ok := digits(rest[:flowDigits])
	if !ok {
		return 0, 0, false
	}
	second, ok := digits(rest[flowDigits+1 : flowDigits+1+numberDigits])
	return int(first), uint32(second), ok && second <= 1<<32-1
}

// digits reads a number of at most 18 digits.
func digits(text []byte) (number uint64, ok bool) {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		number = number*10 + uint64(digit-'0')
	}
	return number, true
}
