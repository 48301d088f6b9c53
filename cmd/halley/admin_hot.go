package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

type hotCommand struct {
	AdminListen string        `default:"127.0.0.1:9090" placeholder:"ADDRESS" env:"HALLEY_ADMIN_LISTEN" help:"Operator's port of a node that runs. Default: ${default}."`
	By          string        `enum:"deliveries,publishes,queue_bytes" default:"deliveries" help:"Which figure is to be the greatest: deliveries or publishes of about the last minute, or queue_bytes, what waits for slow clients now. Default: ${default}."`
	Limit       int           `default:"20" placeholder:"N" help:"How many channels and apps to list, at most 100. Default: ${default}."`
	Timeout     time.Duration `default:"10s" help:"How long to wait for the answer. Default: ${default}."`
}

// Help is the long text of --help.
func (hotCommand) Help() string {
	return `Asks the node, which asks all others, and prints {"by","channels":[…],"apps":[…],"nodes","missing"}. "missing" nodes did not answer in time: what they
know is not in the figures. Figures may be too low for what became hot only now, and are never too high.`
}

// Run asks the node.
func (c hotCommand) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, c.Timeout)
	defer cancel()
	answer, err := c.ask(ctx)
	if err != nil {
		return fmt.Errorf("ask the operator's port at %s: %w", c.AdminListen, err)
	}
	return printJSON(p.stdout, answer)
}

func (c hotCommand) ask(ctx context.Context) ([]byte, error) {
	if c.AdminListen == adminOff {
		return nil, errors.New("this node has none")
	}
	asked := url.URL{
		Scheme: "http", Host: c.AdminListen, Path: "/hot", RawQuery: url.Values{"by": {c.By}, "limit": {strconv.Itoa(c.Limit)}}.Encode(),
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", response.Status, body)
	}
	return body, err
}
