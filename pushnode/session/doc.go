// Package session is everything between a channel and its sockets: connections on three transports, the sessions that outlive
// them, the fan-out from one publication to many queues, and the way back to exactly where a client was.
//
// It does not decide who may do what, keep history, or know which bytes mean what: it asks its node (Backend, in backend.go),
// reads the backlog from the channel's slot, and leaves encoding to package wire.
//
// Start reading at server.go, then entry.go (one publication to many subscriptions), outbox.go (what waits for a socket),
// writer.go (the one writer of a connection) and feed.go (how one that is behind catches up). DESIGN.md holds the invariants.
package session
