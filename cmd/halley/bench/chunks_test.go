package bench

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

func TestEventDecoder(t *testing.T) {
	t.Parallel()
	const stream = "retry: 1000\n\nevent: connected\ndata: {}\n\nevent: message\nid: a:1\ndata: {\"offset\":1}\n\nevent: mess"
	want := "retry: 1000|event: connected\ndata: {}|event: message\nid: a:1\ndata: {\"offset\":1}"
	for _, size := range []int{1, 5, len(stream)} {
		got, _, err := collect(eventDecoder{}, []byte(stream), size)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("in pieces of %d: %q, %v", size, got, err)
		}
	}
	if _, _, _, err := (eventDecoder{}).next(make([]byte, maxFrame+1)); !errors.Is(err, errTooLong) {
		t.Errorf("an event over the bound: %v", err)
	}
}

// Events are the same whatever the pieces are in which they come.
func FuzzEventDecoder(f *testing.F) {
	f.Add([]byte("retry: 1000\n\nevent: message\ndata: {}\n\n"))
	f.Add([]byte("\n\n\n\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, _, errWhole := collect(eventDecoder{}, stream, max(1, len(stream)))
		parts, _, errParts := collect(eventDecoder{}, stream, 1)
		if strings.Join(whole, "|") != strings.Join(parts, "|") || errWhole != nil || errParts != nil {
			t.Errorf("at once %q, %v; byte by byte %q, %v", whole, errWhole, parts, errParts)
		}
	})
}

// strip removes chunks in pieces of a size.
func strip(stream string, size int) (string, error) {
	var content strings.Builder
	var c chunks
	for len(stream) > 0 {
		n := min(size, len(stream))
		piece, err := c.strip([]byte(stream[:n]))
		content.Write(piece)
		if err != nil {
			return content.String(), err
		}
		stream = stream[n:]
	}
	return content.String(), nil
}

func TestChunks(t *testing.T) {
	t.Parallel()
	const stream = "5\r\nhello\r\n1;name=value\r\n \r\nA\r\nbeautiful \r\n005\r\nworld\r\n"
	for _, size := range []int{1, 3, len(stream)} {
		if got, err := strip(stream, size); err != nil || got != "hello beautiful world" {
			t.Errorf("in pieces of %d: %q, %v", size, got, err)
		}
	}
	if got, err := strip(stream+"0\r\n\r\n", 4); !errors.Is(err, errStreamed) || got != "hello beautiful world" {
		t.Errorf("at the end: %q, %v", got, err)
	}
	for _, bad := range []string{"x\r\n", "\r\n", ";a\r\n", "1\r\nab\r\n", "1\r\na\n", "FFFFFFFF\r\n", "1" + strings.Repeat(" ", maxChunkLine)} {
		if got, err := strip(bad, 1); err == nil || errors.Is(err, errStreamed) {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// What the standard library reads is read the same.
func FuzzChunks(f *testing.F) {
	for _, stream := range []string{"5\r\nhello\r\n0\r\n\r\n", "1;a=b\r\nx\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "zz\r\n"} {
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		want, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(stream)))
		got, ours := strip(stream, 3)
		if whole, _ := strip(stream, max(1, len(stream))); whole != got {
			t.Errorf("%q at once is %q, in pieces %q", stream, whole, got)
		}
		if errors.Is(ours, errStreamed) && err == nil && !bytes.Equal(want, []byte(got)) {
			t.Errorf("%q is %q, the standard library says %q", stream, got, want)
		}
	})
}
