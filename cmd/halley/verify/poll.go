package verify

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
)

// polled is the answer to a long poll: section 5.2 of the protocol.
type polled struct {
	Cursor   string  `json:"cursor"`
	Messages []frame `json:"messages"`
	Gaps     []frame `json:"gaps"`
	Pushes   []frame `json:"pushes"`
}

// poll asks again and again, now and then another node.
func (f *follower) poll(ctx context.Context) error {
	for first := true; ; first = false {
		if rand.IntN(10) == 0 {
			f.node = f.target.pick(f.node)
		}
		var answer polled
		if err := f.ask(ctx, &answer); err != nil {
			return err
		}
		if err := f.takePoll(answer, first); err != nil {
			return err
		}
	}
}

func (f *follower) ask(ctx context.Context, answer *polled) error {
	ctx, cancel := context.WithTimeout(ctx, pollWait+tryPatience)
	defer cancel()
	query := f.query()
	query.Set("wait", pollWait.String())
	return f.target.get(ctx, f.node+"/v1/poll?"+query.Encode(), answer)
}

// takePoll handles one answer: gaps and messages come apart, and belong in the order of their positions.
func (f *follower) takePoll(answer polled, first bool) error {
	if first {
		if err := f.attachAt(answer.Cursor); err != nil {
			return err
		}
	}
	for _, push := range answer.Pushes {
		if push.Op == "subscribed" {
			continue // the cursor says the same
		}
		if err := f.handle(push); err != nil {
			return err
		}
	}
	gaps := answer.Gaps
	for _, message := range answer.Messages {
		for i := 0; i < len(gaps); i++ {
			if g := gaps[i]; g.Channel == message.Channel && g.Epoch == message.Epoch && g.Offset < message.Offset {
				gaps = append(gaps[:i:i], gaps[i+1:]...)
				i--
				g.Op = "gap"
				_ = f.handle(g) // a gap is no error
			}
		}
		message.Op = "message"
		_ = f.handle(message) // nor is a message
	}
	for _, g := range gaps {
		g.Op = "gap"
		_ = f.handle(g)
	}
	return f.believe(answer.Cursor)
}

// attachAt notes the subscription. Where the follower has no position yet, the cursor's is the first.
func (f *follower) attachAt(cursor string) error {
	marks, err := parseCursor(cursor, f.channels)
	if err != nil {
		return err
	}
	for _, channel := range f.channels {
		at, known := f.at(channel)
		if !known {
			at = marks[channel]
		}
		_ = f.handle(frame{Op: "subscribed", Channel: channel, Epoch: at.epoch, Offset: at.offset}) // no error
	}
	return nil
}

// believe goes on where the cursor says, as any client does that takes it for opaque: should that not be where the messages end, the
// checker finds what was skipped or repeated.
func (f *follower) believe(cursor string) error {
	marks, err := parseCursor(cursor, f.channels)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.Copy(f.positions, marks)
	return nil
}

// parseCursor reads a cursor over these channels: section 1 of the protocol.
func parseCursor(cursor string, channels []string) (map[string]mark, error) {
	marks := make(map[string]mark)
	for item := range strings.SplitSeq(cursor, "~") {
		channel, text, found := strings.Cut(item, "*")
		if !found && len(channels) == 1 {
			channel, text = channels[0], item
		}
		colon := strings.LastIndexByte(text, ':')
		if colon < 0 {
			return nil, fmt.Errorf("cursor %q: no position", cursor)
		}
		offset, err := strconv.ParseUint(text[colon+1:], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cursor %q: %w", cursor, err)
		}
		marks[channel] = mark{text[:colon], offset}
	}
	return marks, nil
}
