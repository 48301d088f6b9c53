package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Reason is why a peer is down: what was seen, and no more. Only Replaced proves that an instance is dead (note, 3.10 b).
type Reason uint8

// The reasons.
const (
	_           Reason = iota
	Reset              // a connection of the link broke, or the peer began a new link
	Refused            // the peer's address refuses connections: within milliseconds of a kill
	Silent             // nothing was heard for a second on the control connection, or for 5 s on another
	Unreachable        // the address does not answer a connection or a hello in time
	Replaced           // the address answers as another instance of this cluster; final, the address is not dialled again
	Misfit             // the address answers, but with another secret, cluster, label or version, or is our own
	Suspended          // a queue overflowed, here or there
	Damaged            // a frame failed its check or its receiver panicked, here or there
	Left               // the peer said that it ends
	Dropped            // SetPeers no longer wants the peer, here or there
	reasons
)

// String returns the reason's name as metrics and logs have it.
func (r Reason) String() string {
	if r < reasons {
		return [reasons]string{"none", "reset", "refused", "silent", "unreachable", "replaced", "misfit", "suspended", "damaged",
			"left", "dropped"}[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// told reports whether the peer is told the reason before a link is closed: those that it could not see for itself.
func (r Reason) told() bool {
	return r == Suspended || r == Damaged || r == Left || r == Dropped
}

// evidence returns what an attempt to reach a peer has shown, 0 for nothing but that it lives.
func evidence(err error) Reason {
	var refusal *refusalError
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var op *net.OpError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refusal):
		return refusal.evidence()
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, errMisfit), errors.As(err, &record), errors.As(err, &invalid), errors.As(err, &authority),
		errors.As(err, &op) && op.Op == "remote error": // an alert of the peer's TLS
		return Misfit
	}
	return Unreachable
}
