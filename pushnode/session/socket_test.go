package session

import (
	"io"
	"net"
	"testing"
	"time"

	"halley/pushnode/wire"
)

// Whoever closes first, the client gets one close frame: the library's answer to its own, or the connection's reason.
func TestOneCloseFrame(t *testing.T) {
	t.Parallel()
	answer := append(wire.AppendFrameHeader(nil, wire.OpcodeClose, 2), 0x03, 0xe8)
	reason := &wire.Error{Code: closeNormal, Message: "closed by the client"}
	for name, closes := range map[string]func(s *socket){
		"the client":     func(s *socket) { _, _ = s.Write(answer); s.end(reason) },
		"the connection": func(s *socket) { s.end(reason); _, _ = s.Write(answer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := net.Pipe()
			go func() {
				closes(&socket{Conn: near, timeout: time.Second, linger: time.Second})
				_ = near.Close()
			}()
			sent, err := io.ReadAll(far)
			if err != nil {
				t.Fatal(err)
			}
			if frame := 2 + int(sent[1]); len(sent) != frame || sent[0]&0x0f != 8 {
				t.Errorf("the client got % x, want one close frame", sent)
			}
		})
	}
}
