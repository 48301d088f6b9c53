package pusher

import (
	"net/url"
	"strings"
)

// Call is one of the calls of the HTTP API.
type Call uint8

// The calls. Those of old libraries come last.
const (
	CallEvents        Call = iota + 1 // POST /apps/N/events
	CallBatch                         // POST /apps/N/batch_events
	CallChannels                      // GET /apps/N/channels
	CallChannel                       // GET /apps/N/channels/C
	CallUsers                         // GET /apps/N/channels/C/users
	CallTerminate                     // POST /apps/N/users/U/terminate_connections
	CallChannelEvents                 // POST /apps/N/channels/C/events?name=…
	CallStats                         // GET /apps/N/channels/C/stats
)

// Posts reports whether the call is a POST; else it is a GET.
func (c Call) Posts() bool {
	switch c {
	case CallEvents, CallBatch, CallTerminate, CallChannelEvents:
		return true
	default:
		return false
	}
}

// Target is what a path names.
type Target struct {
	Call   Call
	Number string // Pusher's id of the app; empty in a path without it: the key says which app
	Name   string // the channel or user, decoded; empty where the call has none
}

const (
	appsBegin    = "/apps/"
	usersBegin   = "/users/"
	terminateEnd = "/terminate_connections"
)

// ParsePath says what the path of a request, still percent-encoded, names. Ids of users may hold anything, and pusher-http-node sends them
// as they are: theirs is everything between "/users/" and the last part. pusher-http-python leaves "/apps/N" out there.
func ParsePath(path string) (target Target, found bool) {
	rest, ofApp := strings.CutPrefix(path, appsBegin)
	if ofApp {
		target.Number, rest, _ = strings.Cut(rest, "/")
		rest = "/" + rest
	} else {
		rest = path
	}
	if user, terminates := between(rest, usersBegin, terminateEnd); terminates && ofApp == (target.Number != "") {
		target.Call = CallTerminate
		return target.named(user)
	}
	if target.Number == "" {
		return Target{}, false
	}
	return target.ofChannels(rest)
}

// ofChannels reads what follows the app in a path.
func (t Target) ofChannels(rest string) (Target, bool) {
	switch rest {
	case "/events":
		t.Call = CallEvents
		return t, true
	case "/batch_events":
		t.Call = CallBatch
		return t, true
	case "/channels":
		t.Call = CallChannels
		return t, true
	}
	rest, found := strings.CutPrefix(rest, "/channels/")
	name, last, more := strings.Cut(rest, "/")
	if !found {
		return Target{}, false
	}
	if !more {
		t.Call = CallChannel
		return t.named(name)
	}
	switch last {
	case "users":
		t.Call = CallUsers
	case "events":
		t.Call = CallChannelEvents
	case "stats":
		t.Call = CallStats
	default:
		return Target{}, false
	}
	return t.named(name)
}

func (t Target) named(escaped string) (Target, bool) {
	name, err := url.PathUnescape(escaped)
	if err != nil || name == "" {
		return Target{}, false
	}
	t.Name = name
	return t, true
}

func between(text, begin, end string) (middle string, found bool) {
	middle, begins := strings.CutPrefix(text, begin)
	middle, ends := strings.CutSuffix(middle, end)
	return middle, begins && ends
}
