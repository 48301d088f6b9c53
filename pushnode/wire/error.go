package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Error is what a client is told when something fails. What it must not see stands in the cause, which is for the log alone.
type Error struct {
	Code       Code
	Message    string        // one sentence, for people; never a secret
	RetryAfter time.Duration // 0: waiting does not help, or nobody knows how long
	cause      error
}

// NewError returns an error with the table's text.
func NewError(code Code) *Error { return &Error{Code: code, Message: code.Entry().Text} }

// Errorf returns an error with its own text. The text is shown to the client: what must not be seen goes into Because.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError returns the *Error in err's chain, or an internal error with err as its cause. For nil it returns nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if code, ok := errors.AsType[Code](err); ok {
		return NewError(code).Because(err)
	}
	return NewError(CodeInternal).Because(err)
}

// Because returns a copy of the error with its cause, which clients never see.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of the error that tells the client how long to wait.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// Error is for the log: name, text and cause.
func (e *Error) Error() string {
	text := e.Code.Name() + ": " + e.Message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the error's Code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// RetryAfterHeader is the value of the HTTP header Retry-After: whole seconds, rounded up, or "" for none. The statuses 429
// and 503 always have one.
func (e *Error) RetryAfterHeader() string {
	wait := e.retryAfter()
	if wait <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

// defaultRetryAfter is told where an error says "later" and does not say when.
const defaultRetryAfter = time.Second

func (e *Error) retryAfter() time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	if status := e.Code.Status(); status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return defaultRetryAfter
	}
	return 0
}
