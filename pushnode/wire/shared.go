package wire

import "strconv"

// Shared is a push that was encoded once for all its receivers. It is immutable and safe for concurrent use; what its methods
// return must not be changed.
//
// One buffer serves every dialect: the WebSocket header, then {"op":"…",…}. Without op it is a brace and what follows the op.
type Shared struct {
	push    Push
	frame   []byte // header and text
	text    int    // where the text begins
	members int    // where the members after op begin

	events     KeptEvents // of a message, for streams of one channel
	deflated   Kept
	translated Kept
	placed     Kept
}

// sharedEnvelope is about what surrounds the data of a message: names, id, epoch and numbers.
const sharedEnvelope = 224

// Share encodes the push.
func Share(push Push) *Shared {
	size := sharedEnvelope
	if message, ok := push.(*Message); ok {
		size += len(message.Data) + len(message.Channel) + len(message.Event) + len(message.ID) + len(message.ClientID)
	}
	// The header's length is known only after the text: the text is written behind the longest header, which then ends before it.
	frame := make([]byte, maxFrameHeader, maxFrameHeader+size)
	frame = AppendNative(frame, push)
	var space [maxFrameHeader]byte
	header := AppendFrameHeader(space[:0], OpcodeText, len(frame)-maxFrameHeader)
	start := maxFrameHeader - len(header)
	copy(frame[start:], header)
	members := maxFrameHeader + len(`{"op":""`) + len(push.Op())
	if frame[members] == ',' {
		members++
	}
	return &Shared{push: push, frame: frame[start:], text: len(header), members: members - start}
}

// Push is what was encoded.
func (s *Shared) Push() Push { return s.push }

// Frame is the whole WebSocket frame.
func (s *Shared) Frame() []byte { return s.frame }

// leastDeflated is the text below which nothing is compressed: what is saved would not fill a packet.
const leastDeflated = 256

// DeflatedFrame is Frame for a client that agreed to permessage-deflate (RFC 7692). Nothing that was sent before is referred to, so that it is
// the same for all; it is made once, by deflate, which appends the compressed payload. Where that saves nothing it is Frame.
func (s *Shared) DeflatedFrame(deflate func(dst, payload []byte) []byte) []byte {
	return s.deflated.Get(func() []byte {
		text := s.Native()
		if len(text) < leastDeflated {
			return s.frame
		}
		payload := deflate(nil, text)
		packed := append(AppendFrameHeader(make([]byte, 0, len(payload)+maxFrameHeader), OpcodeText|OpcodeDeflated, len(payload)), payload...)
		if len(packed) < len(s.frame) {
			return packed
		}
		return s.frame
	})
}

// TranslatedFrame is the whole WebSocket frame in another protocol, whose text translate appends. It is made once, so that there can be one
// such protocol, in two forms: placed is the one that says where messages stand. Where translate appends nothing there is no frame.
func (s *Shared) TranslatedFrame(placed bool, translate func(dst []byte, push Push) []byte) []byte {
	kept := &s.translated
	if placed {
		kept = &s.placed
	}
	return kept.Get(func() []byte {
		text := translate(make([]byte, 0, len(s.frame)), s.push)
		if len(text) == 0 {
			return nil
		}
		return append(AppendFrameHeader(make([]byte, 0, len(text)+maxFrameHeader), OpcodeText, len(text)), text...)
	})
}

// Native is the frame's text: {"op":…,…}.
func (s *Shared) Native() []byte { return s.frame[s.text:] }

// AppendObject appends the object without op.
func (s *Shared) AppendObject(dst []byte) []byte {
	return append(append(dst, '{'), s.frame[s.members:]...)
}

// AppendEvent appends the server-sent event. id is the cursor that stands after it, or "" for none.
func (s *Shared) AppendEvent(dst []byte, id string) []byte {
	dst = s.AppendObject(appendEventHead(dst, s.push.Op(), id))
	return append(dst, '\n', '\n')
}

// MessageEvent is the server-sent event of a message, for a stream that follows its channel and no other: then the cursor is the same for
// all. bare says that it is a position without the channel's name. It is encoded once, nil where the push is something else.
func (s *Shared) MessageEvent(bare bool) []byte {
	message, ok := s.push.(*Message)
	if !ok {
		return nil
	}
	return s.events.Get(bare, func() []byte {
		return s.AppendEvent(make([]byte, 0, len(s.frame)+len(message.Channel)+sharedEnvelope/2), string(cursorOf(message, bare)))
	})
}

func cursorOf(message *Message, bare bool) []byte {
	if !bare {
		return AppendCursorItem(nil, message.Channel, message.Epoch, message.Offset)
	}
	return strconv.AppendUint(append([]byte(message.Epoch), ':'), message.Offset, 10)
}
