package http1

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Answer is the answer to a request. Its head has Content-Length and Date beside what is set.
type Answer struct {
	status int
	fields []entry // in the order of their names, as net/http writes them
	body   []byte
}

type entry struct{ name, value string }

// The fields that the loop sets.
const (
	nameConnection    = "Connection"
	nameContentLength = "Content-Length"
	connectionClose   = "close"
)

// Set sets a field of the head. name must be in its canonical form, and neither may hold a line end: the loop writes them as they are.
func (a *Answer) Set(name, value string) {
	at := len(a.fields)
	for at > 0 && a.fields[at-1].name >= name {
		at--
	}
	if at < len(a.fields) && a.fields[at].name == name {
		a.fields[at].value = value
		return
	}
	a.fields = append(a.fields, entry{})
	copy(a.fields[at+1:], a.fields[at:])
	a.fields[at] = entry{name: name, value: value}
}

// Say sets status and body. The body must not be changed before the next request.
func (a *Answer) Say(status int, body []byte) { a.status, a.body = status, body }

// Status is what Say was told last; 0: nothing.
func (a *Answer) Status() int { return a.status }

// Room is memory that a body may be appended to: that of an earlier one, empty.
func (a *Answer) Room() []byte { return a.body[:0] }

// reset makes the answer ready for the next request.
func (a *Answer) reset() {
	clear(a.fields)
	a.status, a.fields = 0, a.fields[:0]
}

// closes reports whether the handler wants the connection closed.
func (a *Answer) closes() bool {
	for i := range a.fields {
		if a.fields[i].name == nameConnection {
			return a.fields[i].value == connectionClose
		}
	}
	return false
}

// append appends the answer as net/http writes it, with the text of its date. last says that the server closes: net/http then says so behind the date.
func (a *Answer) append(dst []byte, date string, last bool) []byte {
	a.Set(nameContentLength, strconv.Itoa(len(a.body)))
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(a.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(a.status)...)
	dst = append(dst, crlf...)
	for i := range a.fields {
		if last && a.fields[i].name == nameConnection {
			continue
		}
		dst = appendField(dst, a.fields[i].name, a.fields[i].value)
	}
	dst = appendField(dst, "Date", date)
	if last {
		dst = appendField(dst, nameConnection, connectionClose)
	}
	dst = append(dst, crlf...)
	return append(dst, a.body...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, crlf...)
}

// dates writes moments as the header Date has them (RFC 9110 section 6.6.1). The text of the present second is kept: to write it costs
// more than the rest of a head.
type dates struct {
	last atomic.Pointer[dated] // a snapshot: replaced as a whole
}

type dated struct {
	second int64
	text   string
}

func (d *dates) text(now time.Time) string {
	second := now.Unix()
	if known := d.last.Load(); known != nil && known.second == second {
		return known.text
	}
	made := &dated{second: second, text: now.UTC().Format(http.TimeFormat)}
	d.last.Store(made)
	return made.text
}
