package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/auth"
)

type publishCommand struct {
	clientConfig `embed:""`

	Channel string `arg:"" help:"Channel to publish to."`
	Data    string `arg:"" help:"JSON value to send; a dash reads it from standard input."`
	Text    bool   `help:"Take DATA as plain text, and send it as a JSON string."`
	Event   string `placeholder:"NAME" help:"Name of the event. Default: message."`
	ID      string `placeholder:"ID" help:"Id of the message: the same id again is not published twice. Default: a new one."`
	Exclude string `placeholder:"SESSION" help:"Public id of a session that is not to receive the message."`
}

// Help is the long text of --help.
func (publishCommand) Help() string {
	return `The answer is printed as one line of JSON: where the message stands in the channel. While Halley cannot be reached or
says that it has too much to do, the command tries again with the same id, so that the message is published once.

For example

    HALLEY_KEY=hl_sk_… halley publish news '{"hello":"world"}'`
}

// Validate refuses data that is no JSON, unless it is still to be read.
func (c publishCommand) Validate() error {
	if c.Data != "" && c.Data != fromStdin && !c.Text { // empty also where it is missing, which is said in better words
		if _, err := compactJSON(c.Data); err != nil {
			return err
		}
	}
	return c.clientConfig.Validate()
}

// publication is the body of POST /v1/channels/{channel}/messages.
type publication struct {
	Event   string         `json:"event,omitempty"`
	Data    jsontext.Value `json:"data"`
	ID      string         `json:"id"`
	Exclude string         `json:"exclude,omitempty"`
}

// Run publishes and prints the answer.
func (c publishCommand) Run(p *process) error {
	data, err := c.data(p.stdin)
	if err != nil {
		return err
	}
	message := publication{Event: c.Event, Data: data, ID: c.ID, Exclude: c.Exclude}
	if message.ID == "" {
		message.ID = auth.NewID("msg_")
	}
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	answer, err := c.post(p.ctx, "/v1/channels/"+url.PathEscape(c.Channel)+"/messages", body)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return printJSON(p.stdout, answer)
}

// fromStdin is the DATA that stands for standard input.
const fromStdin = "-"

// maxInput bounds what is read from standard input; the server's own limit is far lower.
const maxInput = 16 << 20

// data is the value to send as JSON.
func (c publishCommand) data(stdin io.Reader) (jsontext.Value, error) {
	text := c.Data
	if text == fromStdin {
		read, err := io.ReadAll(io.LimitReader(stdin, maxInput))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		text = string(read)
	}
	if c.Text {
		return json.Marshal(text)
	}
	return compactJSON(text)
}

func compactJSON(text string) (jsontext.Value, error) {
	value := jsontext.Value(text)
	if text == "" {
		return nil, usageError{errors.New("DATA is not JSON (for plain text add --text): it is empty")}
	}
	if err := value.Compact(); err != nil {
		return nil, usageError{fmt.Errorf("DATA is not JSON (for plain text add --text): %w", err)}
	}
	return value, nil
}

// printJSON prints one value on one line.
func printJSON(w io.Writer, value jsontext.Value) error {
	if err := value.Compact(); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	_, err := fmt.Fprintf(w, "%s\n", value)
	return err
}
