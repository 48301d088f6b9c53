package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// command is what subscribe says to the server: section 4.2 of web/docs/protocol.md.
type command struct {
	Op      string `json:"op"`
	Ref     int    `json:"ref,omitzero"`
	Key     string `json:"key,omitzero"`
	Token   string `json:"token,omitzero"`
	Session string `json:"session,omitzero"`
	Cursor  string `json:"cursor,omitzero"`
	Channel string `json:"channel,omitzero"`
	Rewind  int    `json:"rewind,omitzero"`
}

// frame is what the server says: the fields of all pushes and answers that subscribe reads. Others are ignored, as newer servers
// may say more.
type frame struct {
	message
	Op          string     `json:"op"`
	Resume      string     `json:"resume"`
	Ping        int64      `json:"ping"`
	Timeout     int64      `json:"timeout"`
	Reason      string     `json:"reason"`
	Count       uint64     `json:"count"`
	In          int64      `json:"in"`
	ReconnectIn int64      `json:"reconnect_in"`
	Err         *pushError `json:"error"`
}

// message is a message as it is printed: section 2.
type message struct {
	Channel   string         `json:"channel"`
	Event     string         `json:"event"`
	Data      jsontext.Value `json:"data"`
	ID        string         `json:"id"`
	Epoch     string         `json:"epoch"`
	Offset    uint64         `json:"offset"`
	Timestamp int64          `json:"timestamp"`
	ClientID  string         `json:"client_id,omitempty"`
}

func (m *message) position() string { return fmt.Sprintf("%s:%d", m.Epoch, m.Offset) }

// pushError is an error that the server told.
type pushError struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Error is the server's own sentence.
func (e *pushError) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Name) }

// fault is the error that the frame tells.
func (f *frame) fault() error {
	if f.Err == nil {
		return fmt.Errorf("the server said %q where that is not expected", f.Op)
	}
	return f.Err
}

func send(ctx context.Context, socket *websocket.Conn, c command) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode %s: %w", c.Op, err)
	}
	return socket.Write(ctx, websocket.MessageText, text)
}

// readFrame waits for the next frame, for as long as the server may be silent.
func readFrame(ctx context.Context, socket *websocket.Conn, silence time.Duration) (*frame, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, text, err := socket.Read(ctx)
	if err != nil {
		return nil, err
	}
	var f frame
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("the server's frame is not understood: %w", err)
	}
	return &f, nil
}
