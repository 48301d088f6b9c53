package pusher

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// errForm is wrong with what is no JSON object.
var errForm = errors.New("this is not a JSON object")

// eachField calls do for each field of a JSON object that is all of text. A value is valid until do returns. The error is errForm, or do's.
func eachField(text []byte, do func(name string, value jsontext.Value) error, options ...jsontext.Options) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text), options...)
	if decoder.PeekKind() != '{' {
		return errForm
	}
	_, _ = decoder.ReadToken() // it is there
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadValue()
		if err != nil {
			return errForm
		}
		known := unquote(name)
		value, err := decoder.ReadValue()
		if err != nil {
			return errForm
		}
		if err := do(known, value); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil || len(bytes.TrimLeft(text[decoder.InputOffset():], " \t\r\n")) > 0 {
		return errForm
	}
	return nil
}

// unquote is the text of a JSON string. What is no UTF-8 in it is U+FFFD.
func unquote(value jsontext.Value) string {
	text, _ := jsontext.AppendUnquote(nil, value)
	return string(text)
}
