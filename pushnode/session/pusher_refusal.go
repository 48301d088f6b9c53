package session

import (
	"cmp"
	"errors"
	"net/http"

	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// Why a client may not follow a channel, as pusher-js hands it on to scripts.
const (
	authError    = "AuthError"
	limitReached = "LimitReached"
)

// The numbers that other servers have for limits where Pusher has none: its libraries hand on whatever comes.
const (
	statusLongName   = 4009
	statusFull       = 4004
	statusMuchToTell = 4301
)

// appendPusherRefusal says that a client may not follow a channel, with the status that HTTP has for it where there is no other.
func appendPusherRefusal(dst []byte, name string, fault *wire.Error) []byte {
	kind, status := authError, fault.Code.Status()
	switch fault.Code {
	case wire.CodeLimitExceeded:
		kind = limitReached
	case wire.CodePresenceFull:
		kind, status = limitReached, statusFull
	}
	return pusher.AppendSubscriptionError(dst, name, kind, cmp.Or(fault.Message, fault.Code.Entry().Text), status)
}

// refusedName is the answer to a subscription to what cannot be the name of a channel.
func refusedName(name string) []byte {
	kind, status := "InvalidChannel", http.StatusBadRequest
	if len(name) > pusher.MaxChannelBytes {
		kind, status = limitReached, statusLongName
	}
	return pusher.AppendSubscriptionError(nil, name, kind, pusher.InvalidChannel(name), status)
}

// refusedMember is the answer to a subscription whose client cannot be a member as it says.
func refusedMember(name string, err error) []byte {
	kind, status := authError, http.StatusBadRequest
	if errors.Is(err, pusher.ErrInfo) {
		kind, status = limitReached, statusMuchToTell
	}
	return pusher.AppendSubscriptionError(nil, name, kind, err.Error(), status)
}
