package bench

import (
	"bytes"
	"errors"
	"strconv"
)

// maxHead bounds the head of an answer, in bytes.
const maxHead = 16 << 10

// head is what a run needs of the head of an HTTP/1.1 answer. The slices point into what was read.
type head struct {
	status  int
	length  int  // of the body, in bytes; -1 where the head does not say
	chunked bool // the body is, and nothing else is done to it
	accept  []byte
}

var (
	errNoHead = errors.New("the server does not speak HTTP/1.1")
	headEnd   = []byte("\r\n\r\n")
	lineEnd   = []byte("\r\n")
)

// parseHead reads the head of an answer and returns its length, 0 where it has not come whole: RFC 9112, sections 4 and 5.
func parseHead(data []byte) (h head, length int, err error) {
	end := bytes.Index(data, headEnd)
	switch {
	case end < 0 && len(data) > maxHead:
		return head{}, 0, errNoHead
	case end < 0:
		return head{}, 0, nil
	}
	status, fields, _ := bytes.Cut(data[:end+len(lineEnd)], lineEnd)
	if h.status, err = parseStatus(status); err != nil {
		return head{}, 0, err
	}
	if bytes.Count(data[:end], []byte("\n")) != bytes.Count(data[:end], lineEnd) {
		return head{}, 0, errNoHead // some take a lone line feed for a line's end: it would mean two things
	}
	h.length = -1
	for len(fields) > 0 {
		var field []byte
		field, fields, _ = bytes.Cut(fields, lineEnd)
		if err := h.take(field); err != nil {
			return head{}, 0, err
		}
	}
	return h, end + len(headEnd), nil
}

// parseStatus reads "HTTP/1.1 201 Created".
func parseStatus(line []byte) (int, error) {
	const version, width = "HTTP/1.1 ", 3
	if !bytes.HasPrefix(line, []byte(version)) || len(line) < len(version)+width {
		return 0, errNoHead
	}
	code, rest := line[len(version):len(version)+width], line[len(version)+width:]
	status, ok := digits(code)
	if !ok || status < 100 || len(rest) > 0 && rest[0] != ' ' {
		return 0, errNoHead
	}
	return int(status), nil
}

// take notes one field. Lengths that differ, and codings beside chunked, are refused: nobody could say where the answer ends.
func (h *head) take(field []byte) error {
	name, value, found := bytes.Cut(field, []byte(":"))
	if !found {
		return errNoHead
	}
	value = bytes.Trim(value, " \t")
	switch {
	case equal(name, "content-length"):
		length, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil || h.length >= 0 && h.length != int(length) {
			return errNoHead
		}
		h.length = int(length)
	case equal(name, "transfer-encoding"):
		if !equal(value, "chunked") {
			return errNoHead
		}
		h.chunked = true
	case equal(name, "sec-websocket-accept"):
		h.accept = value
	}
	return nil
}

// equal compares without regard to case.
func equal(text []byte, want string) bool {
	return len(text) == len(want) && bytes.EqualFold(text, []byte(want))
}
