// Package wire is every byte that a client sends or sees: the native protocol of web/docs/protocol.md on its three transports,
// the bodies of the HTTP API, and the one table of errors.
//
// It does no I/O, keeps no state and knows no permissions: it turns bytes into checked values and values into bytes. Encoders
// append to a slice and allocate nothing else; decoders are strict and say where a fault is. Moving the bytes is the duty of
// package session and of the HTTP API in package pushnode.
//
// Start reading at push.go (what the server says), then command.go (what clients say), shared.go (how one message is encoded
// once for all), and code.go (what goes wrong).
package wire
