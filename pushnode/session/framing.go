package session

import (
	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// frameDialect is the frames of a WebSocket: RFC 6455, and section 4 of web/docs/protocol.md.
type frameDialect struct{}

func (frameDialect) whole(one *item) []byte {
	switch {
	case one.shared != nil:
		return one.shared.Frame()
	case one.batch != nil:
		return one.batch.frames
	case one.own != nil:
		return one.own.frame
	default:
		return nil
	}
}

func (d frameDialect) encode(dst []byte, one *item) []byte {
	if one.dropped > 0 {
		return append(dst, wire.Share(droppedOf(one)).Frame()...)
	}
	return append(dst, d.whole(one)...)
}

// deflateDialect is frameDialect for a client that agreed to permessage-deflate: RFC 7692. What many get is compressed, once for all.
type deflateDialect struct{ frameDialect }

func (d deflateDialect) whole(one *item) []byte {
	switch {
	case one.shared != nil:
		return one.shared.DeflatedFrame(frame.AppendDeflated)
	case one.batch != nil:
		return one.batch.deflatedFrames()
	default:
		return d.frameDialect.whole(one)
	}
}

func (d deflateDialect) encode(dst []byte, one *item) []byte {
	if one.dropped > 0 {
		return d.frameDialect.encode(dst, one)
	}
	return append(dst, d.whole(one)...)
}

// pings is a ping of RFC 6455, which every client answers, and a push, which scripts in a page can see.
var pings = append(wire.AppendFrameHeader(nil, wire.OpcodePing, 0), wire.Share(wire.Ping{}).Frame()...)

func (frameDialect) ping() (text []byte, answered bool) { return pings, true }

// farewell is the reason as a push, and the close. Who has said its own close was answered.
func (frameDialect) farewell(reason *wire.Error) []byte {
	if reason == parted {
		return nil
	}
	var text []byte
	if push := lastPush(reason); push != nil {
		text = append(text, wire.Share(push).Frame()...)
	}
	payload := wire.AppendClosePayload(nil, reason.Code, reason.Message)
	return append(wire.AppendFrameHeader(text, wire.OpcodeClose, len(payload)), payload...)
}
