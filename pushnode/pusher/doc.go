// Package pusher is the Pusher Channels protocol: names, signatures, data, codes and texts, the requests of the signed HTTP API and
// their answers.
//
// It does no I/O, reads no clock and keeps no state; it knows no app and no permission: keys, secrets and times are arguments. The
// socket's life is the duty of package session, the calls of the HTTP API that of package pushnode.
//
// Start reading at name.go, signature.go and data.go, which both halves of the protocol share, then request.go (who may call) and
// event.go (what calls carry).
package pusher
