package session_test

import (
	"context"
	"errors"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

type sessionConfig = session.Config

// grantOf is the grant of a token for a client id.
func grantOf(clientID string) *auth.Grant {
	return &auth.Grant{Kind: auth.KindToken, AppID: testApp, ClientID: clientID}
}

// losesOne loses the first effect that it is shown.
func losesOne() func(channel.Effect) bool {
	lost := false
	return func(channel.Effect) bool {
		if lost {
			return false
		}
		lost = true
		return true
	}
}

func t0() context.Context { return context.Background() }

// pass lets time go by, in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }

var errDown = errors.New("the slot has no leader")

var errFull = wire.NewError(wire.CodeOverCapacity)
