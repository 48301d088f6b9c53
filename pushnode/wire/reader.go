package wire

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deeply a request may be nested, its own objects included.
const (
	maxDepth = 32
	tooDeep  = "the JSON is nested more than 32 levels deep"
)

// reader reads one JSON value strictly: RFC 7493, so valid UTF-8 and no name twice, and nothing after the value. Every fault
// says where it is: the byte, from 0, and the JSON pointer (RFC 6901), both counted from the begin of the request.
type reader struct {
	decoder jsontext.Decoder
	buffer  bytes.Buffer
	input   []byte
	base    int    // where input begins in the request
	pointer string // of input in the request
	nameAt  int64  // where the name that was read last begins in input
	valueAt int64  // where the value or name that was read last begins in input
	broken  bool   // a fault of syntax: nothing more can be read
}

// readers saves the decoder's state between requests; it holds no data of theirs.
var readers = sync.Pool{New: func() any { return new(reader) }}

// read returns a reader of input, which begins at base in the request and stands at pointer there.
func read(input []byte, base int, pointer string) *reader {
	r := readers.Get().(*reader)
	r.input, r.base, r.pointer, r.broken = input, base, pointer, false
	r.buffer = *bytes.NewBuffer(input)
	r.decoder.Reset(&r.buffer)
	return r
}

func (r *reader) release() {
	r.input, r.pointer = nil, ""
	r.buffer = bytes.Buffer{}
	r.decoder.Reset(&r.buffer)
	readers.Put(r)
}

// begin enters an object or array: kind is '{' or '['. what is said where something else stands there.
func (r *reader) begin(kind jsontext.Kind, what string) *Error {
	if found := r.decoder.PeekKind(); found != kind && found != jsontext.KindInvalid {
		value, fault := r.value()
		if fault != nil {
			return fault
		}
		code, place := CodeInvalidField, r.place()
		if r.pointer+place == "" {
			code = CodeBadRequest
		}
		return r.errorf(code, r.start(value), place, what)
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// more reports whether the object or array goes on; where it does not, its end has been read.
func (r *reader) more() (bool, *Error) {
	if kind := r.decoder.PeekKind(); kind != '}' && kind != ']' {
		return true, nil
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return false, r.syntax(err)
	}
	return false, nil
}

// member reads the name of the object's next member; more is false where the object has ended. The name is valid until the
// next read.
func (r *reader) member() (name []byte, more bool, fault *Error) {
	more, fault = r.more()
	if fault != nil || !more {
		return nil, false, fault
	}
	value, fault := r.value()
	if fault != nil {
		return nil, false, fault
	}
	r.nameAt = r.start(value)
	return unquote(value), true, nil
}

// end makes sure that nothing follows the value.
func (r *reader) end() *Error {
	at := int(r.decoder.InputOffset())
	for at < len(r.input) && strings.IndexByte(" \t\r\n", r.input[at]) >= 0 {
		at++
	}
	if at == len(r.input) {
		return nil
	}
	return r.errorf(CodeMalformedJSON, int64(at), "", "there is something after the end of the value")
}

// value reads the next value as it stands. It is valid until the next read.
func (r *reader) value() (jsontext.Value, *Error) {
	value, err := r.decoder.ReadValue()
	if err != nil {
		return nil, r.syntax(err)
	}
	r.valueAt = r.start(value)
	return value, nil
}

func (r *reader) skip() *Error {
	_, fault := r.value()
	return fault
}

// data reads any value and returns a compact copy of it.
func (r *reader) data() ([]byte, *Error) {
	value, fault := r.value()
	if fault != nil {
		return nil, fault
	}
	depth, spaced := measure(value)
	if depth+r.decoder.StackDepth() > maxDepth {
		return nil, r.errorf(CodeTooDeep, r.start(value), r.place(), tooDeep)
	}
	if spaced {
		return compact(value), nil
	}
	return bytes.Clone(value), nil
}

// text reads a string that check finds good; check may be nil.
func (r *reader) text(check func(string) string) (string, *Error) {
	value, fault := r.value()
	if fault != nil {
		return "", fault
	}
	if value.Kind() != '"' {
		return "", r.invalidAt(value, "is not a string")
	}
	text := string(unquote(value))
	if check != nil {
		if problem := check(text); problem != "" {
			return "", r.invalidAt(value, problem)
		}
	}
	return text, nil
}

// channel reads the name of a channel.
func (r *reader) channel() (string, *Error) {
	value, fault := r.value()
	if fault != nil {
		return "", fault
	}
	if value.Kind() != '"' {
		return "", r.invalidAt(value, "is not a string")
	}
	name := string(unquote(value))
	if fault := ValidChannel(name); fault != nil {
		return "", r.errorf(CodeInvalidChannel, r.start(value), r.place(), fault.Message)
	}
	return name, nil
}

// integer reads a whole number within its bounds.
func (r *reader) integer(low, high int64) (int64, *Error) {
	value, fault := r.value()
	if fault != nil {
		return 0, fault
	}
	number, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || number < low || number > high {
		return 0, r.invalidAt(value, "is not a whole number from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
	}
	return number, nil
}

// flag reads true or false.
func (r *reader) flag() (bool, *Error) {
	value, fault := r.value()
	if fault != nil {
		return false, fault
	}
	if kind := value.Kind(); kind != 't' && kind != 'f' {
		return false, r.invalidAt(value, "is neither true nor false")
	}
	return value.Kind() == 't', nil
}

// start is where a value that has just been read begins.
func (r *reader) start(value jsontext.Value) int64 {
	return r.decoder.InputOffset() - int64(len(value))
}

// place is the pointer of what has just been read.
func (r *reader) place() string { return string(r.decoder.StackPointer()) }

// unknown passes over a member whose name has just been read, and is the error for it.
func (r *reader) unknown(name []byte) *Error {
	text := string(name)
	if fault := r.skip(); fault != nil {
		return fault
	}
	return r.errorf(CodeUnknownField, r.nameAt, r.place(), "the field "+quote(text)+" is not known here")
}

// missing is the error for a member that the object which has just ended should have had.
func (r *reader) missing(name string) *Error {
	return r.errorf(CodeMissingField, r.decoder.InputOffset()-1, r.place(), "the field "+quote(name)+" is missing")
}

// invalid is the error for an object or array whose end, or whose last item, has just been read: it stands there.
func (r *reader) invalid(problem string) *Error {
	return r.errorf(CodeInvalidField, r.decoder.InputOffset()-1, r.place(), problem)
}

// invalidAt is the error for a value that has just been read: a member, which is named, or an item of an array.
func (r *reader) invalidAt(value jsontext.Value, problem string) *Error {
	place := r.place()
	what := quote(jsontext.Pointer(place).LastToken())
	if kind, _ := r.decoder.StackIndex(r.decoder.StackDepth()); kind == '[' {
		what = "an item"
	}
	return r.errorf(CodeInvalidField, r.start(value), place, what+" "+problem)
}

// errorf makes an error whose message ends with the place.
func (r *reader) errorf(code Code, offset int64, pointer, text string) *Error {
	place := ", at byte " + strconv.Itoa(r.base+int(offset))
	if pointer = r.pointer + pointer; pointer != "" {
		place += " (" + clip(pointer, maxPlace) + ")"
	}
	return &Error{Code: code, Message: text + place}
}

// syntax turns an error of the decoder into one of the table.
func (r *reader) syntax(err error) *Error {
	r.broken = true
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case len(r.input) == 0:
		return Errorf(CodeMalformedJSON, "nothing was sent where JSON is wanted")
	case !ok: // io.EOF: nothing but blanks, or the end where a value should begin
		return r.errorf(CodeMalformedJSON, int64(len(r.input)), "", "the JSON ends early")
	}
	offset, pointer := syntactic.ByteOffset, string(syntactic.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return r.errorf(CodeDuplicateName, offset, pointer, twice(syntactic.JSONPointer.LastToken()))
	case badUTF8(r.input, offset):
		return r.errorf(CodeBadUTF8, offset, pointer, "this is not valid UTF-8")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return r.errorf(CodeMalformedJSON, int64(len(r.input)), pointer, "the JSON ends early")
	}
	if depth, _ := measure(r.input[:min(int(offset), len(r.input))]); depth > maxDepth {
		return r.errorf(CodeTooDeep, offset, "", tooDeep)
	}
	return r.errorf(CodeMalformedJSON, offset, pointer, "this is not JSON: "+syntactic.Err.Error())
}

func twice(name string) string { return "the name " + quote(name) + " stands twice in one object" }

// badUTF8 reports whether what stands at offset is no UTF-8, or an escaped half of a surrogate pair.
func badUTF8(input []byte, offset int64) bool {
	if offset < 0 || offset >= int64(len(input)) {
		return false
	}
	at := input[offset:]
	if char, size := utf8.DecodeRune(at); char == utf8.RuneError && size == 1 {
		return true
	}
	if len(at) < len(`\uD800`) || at[0] != '\\' || at[1] != 'u' {
		return false
	}
	unit, err := strconv.ParseUint(string(at[2:6]), 16, 16)
	return err == nil && utf16.IsSurrogate(rune(unit))
}
