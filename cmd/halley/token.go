package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

type tokenCommand struct {
	clientConfig `embed:""`

	Allow    []string      `arg:"" sep:"none" name:"pattern=operations" help:"What the token allows: a channel pattern, and operations joined by commas (publish, subscribe, presence, history)."`
	ClientID string        `placeholder:"ID" help:"Who the client is. Default: anonymous."`
	TTL      time.Duration `name:"ttl" placeholder:"DURATION" help:"How long the token is good. Default: the server's, one hour."`
}

// Help is the long text of --help.
func (tokenCommand) Help() string {
	return `The answer is printed as one line of JSON. The key must be a secret key; the token can do no more than it.

For example

    HALLEY_KEY=hl_sk_… halley token --client-id ada 'room:*=subscribe,presence' 'news=subscribe'`
}

// tokenRequest is the body of POST /v1/tokens.
type tokenRequest struct {
	ClientID     string              `json:"client_id,omitempty"`
	Capabilities map[string][]string `json:"capabilities"`
	TTL          string              `json:"ttl,omitempty"`
}

// capabilities are the operations by channel pattern.
func (c tokenCommand) capabilities() (map[string][]string, error) {
	capabilities := make(map[string][]string, len(c.Allow))
	for _, allowed := range c.Allow {
		at := strings.LastIndexByte(allowed, '=') // '=' may stand in a channel's name
		if at <= 0 || at == len(allowed)-1 {
			return nil, fmt.Errorf("%q: want PATTERN=OPERATION,…, for example 'room:*=subscribe,publish'", allowed)
		}
		pattern := allowed[:at]
		capabilities[pattern] = append(capabilities[pattern], strings.Split(allowed[at+1:], ",")...)
	}
	return capabilities, nil
}

// Validate refuses what cannot be asked for. Which operations there are is the server's to say.
func (c tokenCommand) Validate() error {
	if _, err := c.capabilities(); err != nil {
		return err
	}
	return c.clientConfig.Validate()
}

// Run asks for the token and prints the answer.
func (c tokenCommand) Run(p *process) error {
	capabilities, err := c.capabilities()
	if err != nil {
		return err
	}
	request := tokenRequest{ClientID: c.ClientID, Capabilities: capabilities}
	if c.TTL != 0 {
		request.TTL = c.TTL.String()
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	answer, err := c.post(p.ctx, "/v1/tokens", body)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	return printJSON(p.stdout, answer)
}
