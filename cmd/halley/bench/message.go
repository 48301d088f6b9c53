package bench

import (
	"bytes"
	"errors"
	"fmt"
)

// decoder finds messages in what a server sends.
type decoder interface {
	// next returns the first message of data and the length of what it stands in: 0 where that has not come whole. The message is nil
	// where there is none, as in a ping; reply is then what the server wants to hear.
	next(data []byte) (message, reply []byte, length int, err error)
}

// errTooLong is a message that no run asks for.
var errTooLong = fmt.Errorf("a message of more than %d bytes", maxFrame)

// socketDecoder reads the frames of a WebSocket.
type socketDecoder struct {
	parts   []byte // of a message that comes in several frames
	divided bool
}

func (d *socketDecoder) next(data []byte) (message, reply []byte, length int, err error) {
	f, length, err := parseFrame(data)
	if err != nil || length == 0 {
		return nil, nil, 0, err
	}
	switch f.opcode {
	case opClose:
		return nil, nil, 0, closed(f.payload)
	case opPing:
		return nil, appendFrame(nil, opPong, f.payload), length, nil
	case opPong:
		return nil, nil, length, nil
	}
	if (f.opcode == opContinuation) != d.divided {
		return nil, nil, 0, errors.New("a message begins within another, or goes on without a beginning")
	}
	if f.final && !d.divided {
		return f.payload, nil, length, nil
	}
	message, err = d.join(f)
	return message, nil, length, err
}

// join adds a frame to a divided message and returns the message when it is whole: RFC 6455, section 5.4.
func (d *socketDecoder) join(f frame) (message []byte, err error) {
	if len(d.parts)+len(f.payload) > maxFrame {
		return nil, errTooLong
	}
	d.parts, d.divided = append(d.parts, f.payload...), !f.final
	if !f.final {
		return nil, nil
	}
	message, d.parts = d.parts, nil
	return message, nil
}

// closed is the error that a close frame tells: RFC 6455, section 5.5.1.
func closed(payload []byte) error {
	if len(payload) < 2 {
		return errors.New("the server closed the connection")
	}
	return fmt.Errorf("the server closed the connection with %d %s", int(payload[0])<<8|int(payload[1]), payload[2:])
}

// eventDecoder reads events of a stream, each ended by an empty line. The message is the whole text of the event.
type eventDecoder struct{}

var endOfEvent = []byte("\n\n")

func (eventDecoder) next(data []byte) (message, reply []byte, length int, err error) {
	at := bytes.Index(data, endOfEvent)
	switch {
	case at >= 0:
		return data[:at], nil, at + len(endOfEvent), nil
	case len(data) > maxFrame:
		return nil, nil, 0, errTooLong
	}
	return nil, nil, 0, nil
}
