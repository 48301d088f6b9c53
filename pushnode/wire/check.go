package wire

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"halley/pushnode/channel"
)

// Bounds of what clients name: section 8 of web/docs/protocol.md.
const (
	MaxEventRunes     = 100      // an event's name, in characters
	MaxMessageIDBytes = 128      // a message's id, printable ASCII
	MaxClientIDRunes  = 128      // a client id, in characters
	EnvelopeBytes     = 4 << 10  // what a frame or body may hold beside its message
	OpeningBytes      = 16 << 10 // a frame before connected
	MaxBatch          = 100      // commands of one POST /v1/commands
	MaxRewind         = 1000     // messages that a subscription may begin with
	MaxHistory        = 1000     // messages of one page of history
	DefaultHistory    = 100      // messages of a page of history that names no limit
	MaxRef            = 1<<53 - 1
	MaxTokenBytes     = 8 << 10 // a token, a key or a resume token
)

// ValidChannel returns nil, or the error that says why name cannot name a channel.
func ValidChannel(name string) *Error {
	if err := channel.ValidName(name); err != nil {
		return Errorf(CodeInvalidChannel, "%s is %s", quote(name), err.Error()).Because(err)
	}
	return nil
}

// ValidDisconnect returns nil, or the error that says why these two do not name whom to disconnect: exactly one must be given.
func ValidDisconnect(clientID, session string) *Error {
	problem, field := "", ""
	switch {
	case clientID == "" && session == "":
		return Errorf(CodeMissingField, "say which: give client_id or session")
	case clientID != "" && session != "":
		return Errorf(CodeInvalidField, "client_id and session are both given: give one of the two")
	case clientID != "":
		field, problem = "client_id", clientIDProblem(clientID)
	default:
		field, problem = "session", idProblem(session)
	}
	if problem == "" {
		return nil
	}
	return Errorf(CodeInvalidField, "%s %s", field, problem)
}

func clientIDProblem(id string) string { return labelProblem(id, MaxClientIDRunes) }
func eventProblem(event string) string { return labelProblem(event, MaxEventRunes) }

// labelProblem says what is wrong with a text that people read: it has 1 to limit characters, none of them a control character.
func labelProblem(text string, limit int) string {
	if text == "" {
		return "is empty"
	}
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return "has more than " + strconv.Itoa(limit) + " characters"
	}
	for _, char := range text {
		if unicode.IsControl(char) || char == utf8.RuneError {
			return "has the control character " + strconv.QuoteRune(char)
		}
	}
	return ""
}

// idProblem says what is wrong with an id of a message or session: it has 1 to 128 printable ASCII characters.
func idProblem(id string) string {
	if id == "" {
		return "is empty"
	}
	if len(id) > MaxMessageIDBytes {
		return "has more than " + strconv.Itoa(MaxMessageIDBytes) + " characters"
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return "has characters that are not printable ASCII"
		}
	}
	return ""
}

// secretProblem says what is wrong with a token, a key or a resume token, without showing it.
func secretProblem(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > MaxTokenBytes:
		return "has more than " + strconv.Itoa(MaxTokenBytes) + " bytes"
	}
	return ""
}
