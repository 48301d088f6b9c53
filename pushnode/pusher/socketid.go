package pusher

import (
	"strconv"
	"strings"
)

// MaxSocketIDBytes is the length of the longest socket id that is taken; our own have 21 bytes at most.
const MaxSocketIDBytes = 64

// socketIDPart bounds each of the two numbers of an id: ten digits, as Pusher's have, and 66 bits of chance in both.
const socketIDPart = 1e10

// SocketIDOf makes the id of a connection from two random numbers: "123.456". Clients and servers know an id, so it is no secret, but a
// signature for a channel holds for one id: the numbers must come from crypto/rand, that no id comes twice.
func SocketIDOf(random [2]uint64) string {
	text := strconv.AppendUint(make([]byte, 0, 21), random[0]%socketIDPart, 10)
	return string(strconv.AppendUint(append(text, '.'), random[1]%socketIDPart, 10))
}

// ValidSocketID reports whether a text has the form of a socket id, ^\d+\.\d+$, which the libraries for servers check before they sign.
func ValidSocketID(text string) bool {
	first, second, found := strings.Cut(text, ".")
	return found && len(text) <= MaxSocketIDBytes && digits(first) && digits(second)
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
