package pusher

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of names and ids. Pusher documents 164 bytes for a channel; its libraries, but for Ruby's, and other servers take 200.
const (
	MaxChannelBytes = 200 // a channel's name
	MaxEventRunes   = 200 // an event's name, in characters
	MaxUserIDRunes  = 128 // a user's id, in characters
)

// CacheTTL is how long a cache channel remembers its last event (Pusher protocol, "Cache channels").
const CacheTTL = 30 * time.Minute

// CacheLooks is among how many of a channel's latest publications the last event is looked for: many events of clients can hide one of a
// server.
const CacheLooks = 100

// Kind is what the prefix of a channel's name makes of it: a set of the properties below. The zero Kind is a public channel.
type Kind uint8

// The properties of channels.
const (
	Private   Kind = 1 << iota // to subscribe takes a signature
	Presence                   // its subscribers see each other; private too
	Encrypted                  // what it carries is not for the server to read; private too
	Cache                      // remembers its last event for new subscribers
	User                       // the events of one user, for the connections that signed in as that user
)

// userPrefix begins the name of the channel of one user. No other name may hold "#".
const userPrefix = "#server-to-user-"

// prefixes are the beginnings of names that mean something, longer ones before those that they begin with. They are anchored and end
// with a dash: "privateer" is public.
var prefixes = []struct {
	text string
	kind Kind
}{
	{"private-encrypted-cache-", Private | Encrypted | Cache},
	{"private-encrypted-", Private | Encrypted},
	{"private-cache-", Private | Cache},
	{"private-", Private},
	{"presence-cache-", Private | Presence | Cache},
	{"presence-", Private | Presence},
	{"cache-", Cache},
	{userPrefix, User},
}

// KindOf returns what the name of a channel says of it, valid or not.
func KindOf(name string) Kind {
	for i := range prefixes {
		if strings.HasPrefix(name, prefixes[i].text) {
			return prefixes[i].kind
		}
	}
	return 0
}

// Is reports whether the channel has all properties given.
func (k Kind) Is(properties Kind) bool { return k&properties == properties }

// ValidChannel reports whether name may name a channel that clients subscribe to and servers ask about: 1 to 200 of letters, digits
// and _-=@,.; (the pattern of Pusher's own libraries). What it admits, Halley's own rule for names admits too.
func ValidChannel(name string) bool {
	if name == "" || len(name) > MaxChannelBytes {
		return false
	}
	for i := range len(name) {
		if !inName(name[i]) {
			return false
		}
	}
	return true
}

func inName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-=@,.;", c) >= 0
}

// ValidTarget reports whether an event may be sent to name: a channel, or the channel of a user.
func ValidTarget(name string) bool {
	if id, found := UserOf(name); found {
		return ValidUserID(id)
	}
	return ValidChannel(name)
}

// UserChannel is the name of the channel that carries the events of one user.
func UserChannel(id string) string { return userPrefix + id }

// UserOf returns whose channel a name is, if it is a user's.
func UserOf(name string) (id string, found bool) { return strings.CutPrefix(name, userPrefix) }

// ValidUserID reports whether id may name a user: 1 to 128 characters of UTF-8, none of them a control character. It is what Halley
// asks of a client id.
func ValidUserID(id string) bool { return validLabel(id, MaxUserIDRunes) }

// ValidEvent reports whether name may name an event: 1 to 200 characters of UTF-8, none of them a control character.
func ValidEvent(name string) bool { return validLabel(name, MaxEventRunes) }

// Reserved reports whether an event's name is the protocol's own: neither servers nor clients may send it.
func Reserved(event string) bool {
	return strings.HasPrefix(event, "pusher:") || strings.HasPrefix(event, "pusher_internal:")
}

// ByClient reports whether an event's name is one that clients send: others come by the HTTP API.
func ByClient(event string) bool { return strings.HasPrefix(event, "client-") }

// Remembered reports whether a cache channel begins with a publication for its new subscribers: what a server has published, and not what
// clients send, by Pusher's protocol or by Halley's. clientID is that of who published.
func Remembered(event, clientID string) bool { return clientID == "" && !ByClient(event) }

func validLabel(text string, most int) bool {
	if text == "" || len(text) > most && utf8.RuneCountInString(text) > most {
		return false
	}
	return !strings.ContainsFunc(text, func(char rune) bool { return unicode.IsControl(char) || char == utf8.RuneError })
}
