package console

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"halley/tenant"
)

// What a handler or a check before it may return besides the store's errors.
var (
	errNoPage      = errors.New("no such page")
	errForeignForm = errors.New("the form was sent from another site")
)

// retryUnavailable is what a page says to wait when the database is away.
const retryUnavailable = 5 * time.Second

// failure is an error as people see it.
type failure struct {
	status     int
	title      string
	text       string
	retryAfter time.Duration
}

// failureOf judges an error. What is not known is our own fault: it is told to the log, and nothing of it to the reader.
func failureOf(err error) failure {
	var wait *throttled
	var tooMany *tenant.TooManyError
	var wrong *tenant.InvalidError
	var explained Explained
	switch {
	case errors.Is(err, errNoPage), errors.Is(err, tenant.ErrNotFound):
		// One text for what is not there and for what is another account's.
		return failure{http.StatusNotFound, "Nothing here", "There is no such page, or you have no access to it.", 0}
	case errors.Is(err, errForeignForm):
		return failure{http.StatusForbidden, "Refused",
			"This form came from another site. Open the console and send it from there.", 0}
	case errors.Is(err, tenant.ErrForbidden):
		return failure{http.StatusForbidden, "Not allowed",
			"Your role in this account does not allow this. Ask an owner or admin.", 0}
	case errors.Is(err, errFormTooLarge):
		return failure{http.StatusRequestEntityTooLarge, "Too large", "The form is too large: at most 128 KiB.", 0}
	case errors.Is(err, errFormType):
		return failure{http.StatusUnsupportedMediaType, "Not a form", "A form is sent as application/x-www-form-urlencoded.", 0}
	case errors.Is(err, errFormBroken):
		return failure{http.StatusBadRequest, "Not a form", "The form cannot be read: it is cut, or not valid UTF-8.", 0}
	case errors.As(err, &wait):
		return tooManyAttempts(wait.RetryAfter)
	case errors.As(err, &tooMany):
		return tooManyAttempts(tooMany.RetryAfter)
	case errors.Is(err, tenant.ErrBusy):
		return failure{http.StatusTooManyRequests, "Busy",
			"Many people are logging in just now. Try again in a moment.", 2 * time.Second}
	case errors.Is(err, tenant.ErrUnavailable):
		return failure{http.StatusServiceUnavailable, "Away for a moment",
			"The database does not answer. Messages keep flowing; the console is back as soon as it is.", retryUnavailable}
	case errors.As(err, &explained):
		status, sentence, retryAfter := explained.Explain()
		return failure{status, "Refused", sentence, retryAfter}
	case errors.As(err, &wrong):
		return failure{http.StatusUnprocessableEntity, "Not accepted", sentence(wrong.Reason), 0}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{http.StatusServiceUnavailable, "Too slow", "This took too long. Try again in a moment.", retryUnavailable}
	}
	return failure{http.StatusInternalServerError, "Our fault",
		"Something went wrong on our side. It is in the log; try again.", 0}
}

func tooManyAttempts(wait time.Duration) failure {
	if wait == 0 {
		return failure{http.StatusTooManyRequests, "Too many attempts",
			"There were too many wrong passwords in a row. Reset the password to go on.", time.Hour}
	}
	return failure{http.StatusTooManyRequests, "Too many attempts", "Wait " + waitText(wait) + ", then try again.", wait}
}

// fail answers an error: a page, or JSON where the script on the page asked.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the client has gone
	}
	f := failureOf(err)
	if f.status >= http.StatusInternalServerError {
		s.config.Logger.ErrorContext(r.Context(), "console request failed", "method", r.Method, "path", r.URL.Path,
			"request", v.requestID(), "err", err)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(f.retryAfter)))
	}
	if wantsJSON(r) {
		s.writeJSON(w, f.status, map[string]any{"error": map[string]any{"message": f.text}})
		return
	}
	s.render(w, r, f.status, "error", page{Title: f.title, Data: map[string]any{"Text": f.text}})
}

// wantsJSON tells a script's request from a form's.
func wantsJSON(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }

func (s *Server) writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil { // our own maps of strings and numbers
		status, body = http.StatusInternalServerError, []byte(`{"error":{"message":"internal error"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is nobody's fault
}

// seconds rounds up: who comes back a moment early is refused again.
func seconds(wait time.Duration) int { return int(math.Ceil(wait.Seconds())) }

// waitText is a duration as people say it.
func waitText(wait time.Duration) string {
	count, unit := seconds(wait), "second"
	if count > 90 {
		count, unit = (count+59)/60, "minute"
	}
	if count != 1 {
		unit += "s"
	}
	return strconv.Itoa(count) + " " + unit
}

// sentence makes a sentence of a reason.
func sentence(reason string) string {
	text := sentenceCase(reason)
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// sentenceCase begins a text with a capital letter.
func sentenceCase(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
