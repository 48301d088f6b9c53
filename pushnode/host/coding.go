package host

import (
	"encoding/binary"
	"errors"

	"halley/pushnode/channel"
	"halley/pushnode/coding"
)

// ErrFrame is wrapped by every error about bytes that are not a frame.
var ErrFrame = errors.New("not a frame")

// frameReader reads what frames are made of. What it returns shares the frame's memory unless it is a string.
type frameReader struct{ coding.Reader }

func readFrame(frame []byte) *frameReader { return &frameReader{coding.Read(frame, ErrFrame)} }

func (r *frameReader) channel() channel.ID {
	return channel.ID{App: string(r.Bytes()), Name: string(r.Bytes())}
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendInstances(dst []byte, list []uint64) []byte {
	w := coding.Writer{Data: dst}
	w.Fixeds(list)
	return w.Data
}

func appendChannel(dst []byte, id channel.ID) []byte {
	return appendText(appendText(dst, id.App), id.Name)
}
