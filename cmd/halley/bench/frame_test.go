package bench

import (
	"bytes"
	"strings"
	"testing"
)

// serverFrame is a frame as servers send it.
func serverFrame(first byte, payload string) []byte {
	frame := appendFrame(nil, 0, []byte(payload))
	frame[0] = first
	frame[1] &^= 0x80
	mask := len(frame) - len(payload) - 4
	return append(frame[:mask], payload...)
}

// collect feeds data in pieces of a size and returns the messages.
func collect(d decoder, data []byte, size int) (messages, replies []string, err error) {
	var rest []byte
	for len(data) > 0 {
		n := min(size, len(data))
		rest = append(rest, data[:n]...)
		data = data[n:]
		for {
			message, reply, length, err := d.next(rest)
			if err != nil {
				return messages, replies, err
			}
			if length == 0 {
				break
			}
			if message != nil {
				messages = append(messages, string(message))
			}
			if reply != nil {
				replies = append(replies, string(reply))
			}
			rest = rest[length:]
		}
	}
	return messages, replies, nil
}

// What comes is the same whatever the pieces are in which it comes.
func TestSocketDecoder(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", 70_000)
	stream := bytes.Join([][]byte{
		serverFrame(0x81, "one"), serverFrame(0x81, strings.Repeat("m", 300)), serverFrame(0x89, "are you there"),
		serverFrame(0x01, "in "), serverFrame(0x8A, ""), serverFrame(0x00, "three "), serverFrame(0x80, "parts"), serverFrame(0x82, long),
	}, nil)
	want := []string{"one", strings.Repeat("m", 300), "in three parts", long}
	pong := string(appendFrame(nil, opPong, []byte("are you there")))
	for _, size := range []int{1, 7, 1000, len(stream)} {
		got, replies, err := collect(&socketDecoder{}, stream, size)
		if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("in pieces of %d: %d messages, %v", size, len(got), err)
		}
		if len(replies) != 1 || replies[0] != pong {
			t.Errorf("in pieces of %d the ping is answered by %q", size, replies)
		}
	}
}

func TestSocketDecoderRefuses(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string][]byte{
		"a mask":               appendFrame(nil, opText, []byte("x")),
		"reserved bits":        serverFrame(0xC1, "x"),
		"an unknown opcode":    serverFrame(0x83, "x"),
		"a ping in parts":      serverFrame(0x09, "x"),
		"a long ping":          serverFrame(0x89, strings.Repeat("x", 126)),
		"a lone continuation":  serverFrame(0x80, "x"),
		"a message within one": append(serverFrame(0x01, "x"), serverFrame(0x81, "y")...),
		"a giant":              {0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0},
		"a close":              serverFrame(0x88, "\x10\x04"+"bye"),
		"a close without code": serverFrame(0x88, ""),
	} {
		if got, _, err := collect(&socketDecoder{}, stream, len(stream)); err == nil {
			t.Errorf("%s is taken for %q", name, got)
		}
	}
	_, _, err := collect(&socketDecoder{}, serverFrame(0x88, "\x10\x04"+"bye"), 9)
	if err == nil || !strings.Contains(err.Error(), "4100 bye") {
		t.Errorf("a close with a code says %v", err)
	}
}

func TestSocketDecoderBoundsDividedMessages(t *testing.T) {
	t.Parallel()
	d := &socketDecoder{}
	part := serverFrame(0x01, strings.Repeat("x", maxFrame))
	if _, _, err := collect(d, part, len(part)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := collect(d, serverFrame(0x80, "x"), 9); err == nil {
		t.Error("a message over the bound is taken")
	}
}

// Whatever comes, a decoder takes no more than there is, and the pieces make no difference.
func FuzzSocketDecoder(f *testing.F) {
	f.Add(serverFrame(0x81, "one"))
	f.Add(append(serverFrame(0x01, "a"), serverFrame(0x80, "b")...))
	f.Add(serverFrame(0x82, strings.Repeat("x", 200)))
	f.Add([]byte{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, replies, errWhole := collect(&socketDecoder{}, stream, max(1, len(stream)))
		parts, replies2, errParts := collect(&socketDecoder{}, stream, 1)
		if strings.Join(whole, "|") != strings.Join(parts, "|") || len(replies) != len(replies2) || (errWhole == nil) != (errParts == nil) {
			t.Errorf("at once %q, %v; byte by byte %q, %v", whole, errWhole, parts, errParts)
		}
	})
}
