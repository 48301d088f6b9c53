package verify

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"halley/cmd/halley/verify/history"
)

// count lists the members of the channel that has presence, when nobody comes or goes any more. Members that died with their node stay
// for a while: it waits for them.
func (c *crowd) count(ctx context.Context) error {
	if c.Members == 0 {
		return nil
	}
	channel := c.channels[len(c.channels)-1]
	var listed map[string]bool
	err := c.again(ctx, func() (err error) { listed, err = c.list(ctx, channel); return err })
	if err != nil {
		return fmt.Errorf("list the members of %s: %w", channel, err)
	}
	c.await(ctx, presencePatience, func() bool {
		if now, err := c.list(ctx, channel); err == nil {
			listed = now
		}
		return maps.Equal(listed, c.members())
	})
	for _, session := range slices.Sorted(maps.Keys(listed)) {
		c.recorder.Add(history.Event{Kind: history.Present, Channel: channel, Session: session})
	}
	c.recorder.Add(history.Event{Kind: history.Counted, Channel: channel})
	return nil
}

func (c *crowd) list(ctx context.Context, channel string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	var answer struct {
		Members []member `json:"members"`
	}
	if err := c.target.get(ctx, c.target.pick("")+"/v1/channels/"+url.PathEscape(channel)+"/presence", &answer); err != nil {
		return nil, err
	}
	listed := make(map[string]bool)
	for _, m := range answer.Members {
		listed[m.Session] = true
	}
	return listed, nil
}

// members are the sessions that are connected, as far as the history says.
func (c *crowd) members() map[string]bool {
	now := make(map[string]bool)
	for _, e := range c.recorder.Events() {
		switch e.Kind {
		case history.Entered:
			now[e.Session] = true
		case history.Ended:
			delete(now, e.Session)
		case history.Connected:
			if e.Lost {
				delete(now, e.Session)
			}
		}
	}
	return now
}
