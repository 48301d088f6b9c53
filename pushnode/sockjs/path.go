package sockjs

import "strings"

// Prefix is where the paths of conversations begin, as pusher-js has them unless it is told another httpPath. The key of the app follows.
const Prefix = "/pusher/app/"

// Bounds of what clients choose.
const (
	maxKeyBytes     = 64
	maxServerBytes  = 16 // pusher-js: three digits
	maxSessionBytes = 64 // pusher-js: eight characters
)

// Call is what a request wants of its conversation.
type Call uint8

// The calls, each a POST. Those that fetch begin the conversation where there is none yet.
const (
	CallStream Call = iota + 1 // …/xhr_streaming: lines as they come
	CallPoll                   // …/xhr: the lines that there are, or the first that come
	CallSend                   // …/xhr_send: texts for the server
)

// Target is what a path names.
type Target struct {
	Call         Call
	Key          string // of the app
	Conversation string // the whole path but for the call: nobody else's, since its client drew a long part of it at random
}

// ParsePath reads the path of a request, /pusher/app/KEY/SERVER/SESSION/CALL (SockJS 0.3.3, "Session URLs"). "Server" and session are
// words of A-Z, a-z, 0-9, "-" and "_" that the client chose; a key may have dots as well.
func ParsePath(path string) (target Target, found bool) {
	rest, begins := strings.CutPrefix(path, Prefix)
	parts := strings.Split(rest, "/")
	if !begins || len(parts) != 4 {
		return Target{}, false
	}
	target.Key = parts[0]
	switch parts[3] {
	case "xhr_streaming":
		target.Call = CallStream
	case "xhr":
		target.Call = CallPoll
	case "xhr_send":
		target.Call = CallSend
	default:
		return Target{}, false
	}
	if !isWord(strings.ReplaceAll(parts[0], ".", "-"), maxKeyBytes) || !isWord(parts[1], maxServerBytes) || !isWord(parts[2], maxSessionBytes) {
		return Target{}, false
	}
	target.Conversation = strings.TrimSuffix(rest, "/"+parts[3])
	return target, true
}

func isWord(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, notOfAWord)
}

func notOfAWord(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
