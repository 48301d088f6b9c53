package sockjs

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxTexts bounds the texts of one request. pusher-js sends one.
const MaxTexts = 100

// What is wrong with a body, as its client is told.
var (
	errBody     = errors.New("the body is not a JSON array of texts")
	errTooMany  = errors.New("the body has more than 100 texts")
	errFollowed = errors.New("something follows the JSON array of the body")
)

// DecodeTexts reads the body of a request that sends, a JSON array of texts (SockJS 0.3.3, "Sending messages"). None says that the client
// lives. Half a surrogate pair becomes U+FFFD: JavaScript writes such where a text was cut.
func DecodeTexts(body []byte) (texts [][]byte, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '[' {
		return nil, errBody
	}
	for decoder.PeekKind() == '"' {
		if len(texts) == MaxTexts {
			return nil, errTooMany
		}
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, errBody
		}
		text, _ := jsontext.AppendUnquote(nil, value) // its only error is that something was replaced
		texts = append(texts, text)
	}
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != ']' {
		return nil, errBody
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return nil, errFollowed
	}
	return texts, nil
}
