package session

import (
	"encoding/binary"

	"halley/pushnode/sockjs"
	"halley/pushnode/wire"
)

// lineDialect is Pusher's protocol in the lines of SockJS: what pusherDialect says in frames.
type lineDialect struct{ pusherDialect }

// whole: everything is written anew, and seldom for many.
func (lineDialect) whole(*item) []byte { return nil }

func (d lineDialect) encode(dst []byte, one *item) []byte {
	return appendLines(dst, d.pusherDialect.whole(one))
}

// ping is answered by the client's next request.
func (lineDialect) ping() (text []byte, answered bool) { return []byte(sockjs.Heartbeat), true }

func (d lineDialect) farewell(reason *wire.Error) []byte {
	return appendLines(nil, d.pusherDialect.farewell(reason))
}

// appendLines appends what frames of ours say: whole ones, which are not masked.
func appendLines(dst, frames []byte) []byte {
	for len(frames) > 0 {
		var payload []byte
		opcode := wire.Opcode(frames[0] &^ wire.FrameFinal)
		payload, frames = splitFrame(frames)
		switch opcode {
		case wire.OpcodeText:
			dst = sockjs.AppendMessage(dst, payload)
		case wire.OpcodeClose:
			dst = sockjs.AppendClose(dst, int(binary.BigEndian.Uint16(payload)), string(payload[2:]))
		}
	}
	return dst
}

// splitFrame returns the payload of the first frame, and what follows it: wire.AppendFrameHeader the other way round.
func splitFrame(frames []byte) (payload, rest []byte) {
	length, begin := int(frames[1]), 2
	switch length {
	case wire.FrameLength16:
		length, begin = int(binary.BigEndian.Uint16(frames[2:])), 4
	case wire.FrameLength64:
		length, begin = int(binary.BigEndian.Uint64(frames[2:])), 10
	}
	return frames[begin : begin+length], frames[begin+length:]
}
