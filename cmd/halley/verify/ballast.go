package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// Ballast is published in requests of this many messages, each request to a channel of its own: 2 MB, half of what a channel may keep.
const (
	ballastMessages = 40
	ballastBytes    = 50_000
)

// ballast is a publication that only weighs.
type ballast struct {
	Channel string `json:"channel"`
	Data    string `json:"data"`
}

// addBallast publishes megabytes that nobody follows, so that copies take their time to move.
func (c *crowd) addBallast(ctx context.Context) error {
	data := strings.Repeat("x", ballastBytes)
	for i := range c.Ballast / (ballastMessages * ballastBytes / 1e6) {
		var batch struct {
			Messages []ballast `json:"messages"`
		}
		for range ballastMessages {
			batch.Messages = append(batch.Messages, ballast{fmt.Sprintf("%s-ballast-%d", c.Prefix, i), data})
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		if err := c.again(ctx, func() error { return c.weigh(ctx, body) }); err != nil {
			return fmt.Errorf("publish ballast: %w", err)
		}
	}
	return ctx.Err()
}

// weigh publishes one request's worth.
func (c *crowd) weigh(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	var answer struct {
		Results []acknowledgement `json:"results"`
	}
	if err := c.target.do(ctx, http.MethodPost, c.target.pick("")+"/v1/messages", bytes.NewReader(body), &answer); err != nil {
		return err
	}
	for _, result := range answer.Results {
		if result.Epoch == "" {
			return errors.New("not all of it was taken")
		}
	}
	return nil
}
