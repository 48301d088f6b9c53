package bench

import "errors"

// chunks removes the frame that chunked transfer coding puts around a stream: RFC 9112, section 7.1. The zero value is at the beginning.
type chunks struct {
	state chunkState
	left  int // of the chunk's data, in bytes
	line  int // length of the line that is being read
}

type chunkState byte

const (
	inSize      chunkState = iota // hexadecimal digits
	inExtension                   // the rest of that line
	inData
	afterData // a line end
	atEnd     // after the last chunk
)

// Errors of what is no chunk.
var (
	errNoChunk  = errors.New("the stream is not made of chunks")
	errStreamed = errors.New("the server ended the stream")
)

// maxChunkLine bounds the line before a chunk, in bytes.
const maxChunkLine = 128

// strip returns the content of what has come, in the space of data.
func (c *chunks) strip(data []byte) (content []byte, err error) {
	content = data[:0]
	for i := 0; i < len(data); {
		if c.state == inData {
			n := min(c.left, len(data)-i)
			content = append(content, data[i:i+n]...)
			i += n
			if c.left -= n; c.left == 0 {
				c.state = afterData
			}
			continue
		}
		if err := c.step(data[i]); err != nil {
			return content, err
		}
		i++
	}
	return content, nil
}

// step takes one byte that is no content.
func (c *chunks) step(b byte) error {
	if c.line++; c.line > maxChunkLine {
		return errNoChunk
	}
	switch c.state {
	case atEnd:
		return errStreamed
	case afterData:
		switch {
		case c.line == 1 && b == '\r' || c.line == 2 && b == '\n':
		default:
			return errNoChunk
		}
		if c.line == 2 {
			c.state, c.line = inSize, 0
		}
		return nil
	}
	return c.stepSize(b)
}

// stepSize takes one byte of the line that says how long the chunk is.
func (c *chunks) stepSize(b byte) error {
	digit, ok := hexDigit(b)
	switch {
	case b == '\n':
		return c.begin()
	case c.state == inSize && ok:
		if c.left = c.left<<4 | digit; c.left > maxFrame {
			return errTooLong
		}
	case c.line == 1:
		return errNoChunk
	default:
		c.state = inExtension
	}
	return nil
}

// begin starts the data of a chunk; one without data is the last.
func (c *chunks) begin() error {
	if c.line == 1 {
		return errNoChunk
	}
	c.line, c.state = 0, inData
	if c.left == 0 {
		c.state = atEnd
		return errStreamed
	}
	return nil
}

func hexDigit(b byte) (value int, ok bool) {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0'), true
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10, true
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10, true
	}
	return 0, false
}
