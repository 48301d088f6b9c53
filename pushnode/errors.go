package pushnode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/host"
	"halley/pushnode/wire"
	"halley/tenant"
)

// retryUnavailable is when a client may try again what could not be decided now.
const retryUnavailable = time.Second

// wireError maps what the packages below answer onto the one table of errors. It is the only such mapping. What it does not
// know is an internal fault and stays as it is, with the operation in front.
func (n *Node) wireError(operation string, err error) error {
	var fault *wire.Error
	if errors.As(err, &fault) {
		return err
	}
	if code, text, known := tableCode(err); known {
		fault := wire.Errorf(code, "%s", text).Because(err)
		if code == wire.CodeUnavailable || code == wire.CodeOverCapacity {
			fault = fault.After(retryUnavailable)
		}
		return fault
	}
	return fmt.Errorf("%s: %w", operation, err)
}

func tableCode(err error) (code wire.Code, text string, known bool) {
	switch {
	case errors.Is(err, auth.ErrExpired):
		return wire.CodeTokenExpired, "the token has expired", true
	case errors.Is(err, auth.ErrKeySet):
		return wire.CodeUnavailable, "the app's key set cannot be fetched from its JWKS URL now: try again", true
	case errors.Is(err, auth.ErrUnavailable), errors.Is(err, tenant.ErrUnavailable):
		return wire.CodeUnavailable, "this cannot be verified now: try again", true
	case errors.Is(err, auth.ErrMalformed), errors.Is(err, auth.ErrUnknownKey), errors.Is(err, auth.ErrRevoked),
		errors.Is(err, auth.ErrSignature), errors.Is(err, auth.ErrTokenRefused):
		return wire.CodeUnauthorized, err.Error(), true // the texts hold no secret
	case errors.Is(err, auth.ErrTokenRequest):
		return wire.CodeInvalidField, err.Error(), true
	case errors.Is(err, tenant.ErrNotFound):
		return wire.CodeAppNotFound, "no such app", true
	case errors.Is(err, channel.ErrNoSession), errors.Is(err, channel.ErrGeneration):
		return wire.CodeSessionNotFound, "this session has ended or lives on another connection", true
	case errors.Is(err, errListings):
		return wire.CodeOverCapacity, "this node makes as many lists of all channels or sessions as it can at a time: try again", true
	case errors.Is(err, host.ErrOverloaded):
		return wire.CodeOverCapacity, "this node has as much to deliver as it can: publish more slowly", true
	case errors.Is(err, host.ErrNotDone):
		return wire.CodeUnavailable, "not done: too few nodes that hold this channel can be reached, try again", true
	case errors.Is(err, host.ErrUnknown), errors.Is(err, host.ErrUnreadable),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return wire.CodeUnavailable, "not done, or not known to be: try again, a publication with the same id", true
	default:
		return 0, "", false
	}
}

// limitError tells which limit was met, and when to come back.
func limitError(refusal *tenant.Refusal) error {
	code := wire.CodeRateLimited
	switch refusal.Limit {
	case tenant.LimitConnections:
		code = wire.CodeTooManyConnections
	case tenant.LimitMessagesPerMonth:
		code = wire.CodeQuotaExceeded
	case tenant.LimitChannels:
		code = wire.CodeLimitExceeded
	}
	return wire.Errorf(code, "the limit %s of %d is reached", refusal.Limit, refusal.Value).After(refusal.RetryAfter)
}

// asError keeps a nil *wire.Error from becoming an error that is not nil.
func asError(fault *wire.Error) error {
	if fault == nil {
		return nil
	}
	return fault
}
