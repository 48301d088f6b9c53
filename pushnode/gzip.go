package pushnode

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
)

// errTrailing is returned for what follows a gzip stream and is none itself.
var errTrailing = errors.New("there is something after the gzip stream")

// gzipBody inflates a body member by member (RFC 1952 section 2.2), so that what follows the last one is known for what it is:
// the library takes it for the begin of another, which ends early.
type gzipBody struct {
	source *bufio.Reader
	member *gzip.Reader
}

func newGzipBody(source io.Reader) (*gzipBody, error) {
	buffered := bufio.NewReader(source)
	member, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gzipBody{source: buffered, member: member}, nil
}

// Read implements io.Reader.
func (g *gzipBody) Read(p []byte) (int, error) {
	n, err := g.member.Read(p)
	if err != io.EOF {
		return n, err
	}
	if _, err := g.source.Peek(1); err != nil {
		return n, err // io.EOF, or what is wrong with the transfer
	}
	if err := g.member.Reset(g.source); err != nil {
		_, tooBig := errors.AsType[*http.MaxBytesError](err)
		if tooBig || errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		return n, errTrailing
	}
	g.member.Multistream(false)
	return n, nil
}
