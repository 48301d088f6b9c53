package pusher

import "fmt"

// Statuses of the HTTP API.
const (
	statusBadRequest   = 400
	statusUnauthorized = 401
	statusTooLarge     = 413
)

// Fault is what a call of the HTTP API is answered with where it fails: a status, and a text that is the whole body. The texts are Pusher's
// where libraries or their tests look for them.
type Fault struct {
	Status int
	Text   string
}

// Error is the text.
func (f *Fault) Error() string { return f.Text }

func badRequest(format string, args ...any) *Fault {
	return &Fault{Status: statusBadRequest, Text: fmt.Sprintf(format, args...)}
}

func unauthorized(format string, args ...any) *Fault {
	return &Fault{Status: statusUnauthorized, Text: fmt.Sprintf(format, args...)}
}

// MissingKey says that a call names no key.
func MissingKey() *Fault { return missing("auth_key") }

// UnknownKey says that the key of a call is none of the app's.
func UnknownKey() *Fault { return unauthorized("Unknown auth_key") }

// Faults of calls that do not suit their channel.

// NoUsers says that users of a channel without presence were asked for.
func NoUsers() *Fault { return badRequest("Users can only be retrieved for presence channels") }

// NoUserCount says the same of their number.
func NoUserCount() *Fault {
	return badRequest("Cannot retrieve the user count unless the channel is a presence channel")
}

// NoUserCounts says that the numbers of users of channels were asked for, some of which may have no presence.
func NoUserCounts() *Fault {
	return badRequest("user_count may only be requested for presence channels - please supply filter_by_prefix beginning with presence-")
}

// BadChannel says that a name cannot be a channel's.
func BadChannel(name string) *Fault { return badRequest("Invalid channel name: %q", shown(name)) }

// BadUser says that an id cannot be a user's.
func BadUser(id string) *Fault { return badRequest("Invalid user id: %q", shown(id)) }

// DataTooLarge says that the data of an event has more than limit bytes.
func DataTooLarge(limit int) *Fault {
	return &Fault{Status: statusTooLarge, Text: fmt.Sprintf(
		"The data content of this event exceeds the allowed maximum (%d bytes)", limit)}
}
