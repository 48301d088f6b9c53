// Package frame turns the bytes of a WebSocket client into messages: RFC 6455 on the server's side, with permessage-deflate without
// context takeover (RFC 7692).
//
// It does no I/O, knows no time and starts no goroutine: whoever reads the socket hands it what came. It does not write frames
// (AppendFrameHeader of package wire), nor answer pings and closes, nor shake hands.
//
// Start reading at Reader.Next.
package frame
