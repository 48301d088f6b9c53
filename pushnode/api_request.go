package pushnode

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// body reads a JSON request of at most limit bytes, also after inflation.
func body(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	if err := jsonContent(r); err != nil {
		return nil, err
	}
	return content(w, r, limit)
}

// content is body for what need not be JSON.
func content(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	if err := session.AnnouncedBody(w, r, limit); err != nil {
		return nil, err
	}
	reader := io.Reader(http.MaxBytesReader(w, r.Body, int64(limit)))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		inflated, err := newGzipBody(reader)
		if err != nil {
			return nil, bodyError(err, limit)
		}
		reader = inflated
	default:
		return nil, wire.Errorf(wire.CodeUnsupportedEncoding, "Content-Encoding %.40q is not supported: send gzip or none", encoding)
	}
	data, err := io.ReadAll(io.LimitReader(reader, int64(limit)+1))
	if err != nil {
		return nil, bodyError(err, limit)
	}
	if len(data) > limit {
		return nil, session.BodyTooLarge(limit)
	}
	return data, nil
}

func jsonContent(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	if given == "application/json" {
		return nil
	}
	if kind, parameters, err := mime.ParseMediaType(given); err == nil && kind == "application/json" {
		if charset := parameters["charset"]; charset == "" || charset == "utf-8" || charset == "UTF-8" {
			return nil
		}
	}
	return wire.Errorf(wire.CodeUnsupportedMediaType, "Content-Type is %.60q: send application/json", given)
}

// bodyError says what went wrong while a body was read.
func bodyError(err error, limit int) error {
	_, tooBig := errors.AsType[*http.MaxBytesError](err)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case tooBig:
		return session.BodyTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return wire.Errorf(wire.CodeBodyTimeout, "the body did not arrive in time")
	case corrupt, errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return wire.Errorf(wire.CodeBadRequest, "the body is not gzip, as Content-Encoding says it is")
	case errors.Is(err, errTrailing):
		return wire.Errorf(wire.CodeBadRequest, "the body is not one gzip stream: something follows it")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return wire.Errorf(wire.CodeBodyTruncated, "the body ended early")
	default:
		return wire.Errorf(wire.CodeBadRequest, "the body could not be read: its transfer is broken")
	}
}

// channelName is the channel in the path, decoded and valid.
func channelName(r *http.Request) (string, error) {
	name := chi.URLParam(r, "channel")
	if r.URL.RawPath != "" { // chi has routed by the escaped path
		decoded, err := url.PathUnescape(name)
		if err != nil {
			return "", wire.Errorf(wire.CodeInvalidChannel, "the channel's name is not well percent-encoded")
		}
		name = decoded
	}
	return name, asError(wire.ValidChannel(name))
}

// number reads a whole number from the query: fallback where it is absent, an error outside low..high.
func number(query url.Values, name string, fallback, low, high int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return fallback, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < low || value > high {
		return 0, wire.Errorf(wire.CodeInvalidField, "%s is %.40q: a whole number from %d to %d is wanted", name, text, low, high)
	}
	return value, nil
}

// text reads a text of at most so many characters from the query: "" where it is absent.
func text(query url.Values, name string, most int) (string, error) {
	value := query.Get(name)
	if !utf8.ValidString(value) || utf8.RuneCountInString(value) > most {
		return "", wire.Errorf(wire.CodeInvalidField, "%s is %s: at most %d characters of UTF-8 are wanted", name, quoted(value), most)
	}
	return value, nil
}

// quoted is a text as an answer may show it.
func quoted(value string) string { return strconv.QuoteToASCII(value[:min(len(value), 40)]) }

// knownQuery refuses parameters that the call does not have: a misspelt one would else be ignored in silence. None may stand
// twice.
func knownQuery(r *http.Request, names ...string) (url.Values, error) {
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	names = append(names, "key", "token")
	for given, values := range query {
		if !slices.Contains(names, given) {
			return nil, wire.Errorf(wire.CodeUnknownField, "%.60q is not a parameter of this call", given)
		}
		if len(values) > 1 {
			return nil, wire.Errorf(wire.CodeInvalidField, "%s is given %d times", given, len(values))
		}
	}
	return query, nil
}

func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wire.Errorf(wire.CodeBadRequest, "the query is not well percent-encoded")
	}
	return query, nil
}
