package console

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/channel"
)

// channelAlphabet is what a channel's name is made of.
const channelAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:/"

// validChannel reports whether name can be a channel's. The node has the last word; this is for the form.
func validChannel(name string) bool {
	return name != "" && len(name) <= channel.MaxNameBytes && strings.Trim(name, channelAlphabet) == ""
}

// jsonFault says what is wrong with a text that should be one JSON value, with the place, or returns an empty string. It is as
// strict as the API: duplicate names are refused.
func jsonFault(text string) string {
	if strings.TrimSpace(text) == "" {
		return `The data is empty. Write a JSON value, as {"text": "Hello"} or "Hello".`
	}
	value := jsontext.Value(text)
	err := value.Canonicalize() // of the copy: the form keeps what was typed
	if err == nil {
		return ""
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return "This is not JSON."
	}
	line, column := place(text, int(syntax.ByteOffset))
	return fmt.Sprintf("This is not JSON: %v, at line %d, column %d.", syntax.Err, line, column)
}

// place turns an offset in bytes into line and column, both from one.
func place(text string, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	line = strings.Count(before, "\n") + 1
	column = len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
	return line, column
}
