package wire_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"halley/pushnode/wire"
)

// TestFrameHeader holds the header against the examples and edges of RFC 6455, section 5.2.
func TestFrameHeader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opcode wire.Opcode
		length int
		want   []byte
	}{
		{wire.OpcodeText, 5, []byte{0x81, 0x05}},
		{wire.OpcodePing, 0, []byte{0x89, 0x00}},
		{wire.OpcodePong, 5, []byte{0x8a, 0x05}},
		{wire.OpcodeClose, 2, []byte{0x88, 0x02}},
		{wire.OpcodeText, 125, []byte{0x81, 0x7d}},
		{wire.OpcodeText, 126, []byte{0x81, 0x7e, 0x00, 0x7e}},
		{wire.OpcodeText, 256, []byte{0x81, 0x7e, 0x01, 0x00}},
		{wire.OpcodeText, 65535, []byte{0x81, 0x7e, 0xff, 0xff}},
		{wire.OpcodeText | wire.OpcodeDeflated, 7, []byte{0xc1, 0x07}}, // RFC 7692, section 7.2.3.1
		{wire.OpcodeText, 65536, []byte{0x81, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}},
	} {
		if got := wire.AppendFrameHeader(nil, test.opcode, test.length); !bytes.Equal(got, test.want) {
			t.Errorf("%x of %d bytes: got %x, want %x", test.opcode, test.length, got, test.want)
		}
	}
}

func TestClosePayload(t *testing.T) {
	t.Parallel()
	if got := wire.AppendClosePayload(nil, wire.CodeDraining, "bye"); !bytes.Equal(got, []byte("\x10\x68bye")) {
		t.Errorf("got %q", got)
	}
	for _, char := range []string{"a", "é", "€", "😀"} {
		reason := strings.Repeat(char, 200)
		cut := wire.CloseReason(reason)
		if len(cut) > 123 || len(cut) < 120 || !utf8.ValidString(cut) || !strings.HasPrefix(reason, cut) {
			t.Errorf("%.8s… was cut to %d bytes: %q", reason, len(cut), cut)
		}
	}
}
