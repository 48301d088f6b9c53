package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"halley/cmd/halley/verify/history"
)

// publisher publishes to one channel at a steady pace, one message after the other, and tries each again with its id until it is
// acknowledged.
type publisher struct {
	target   *Target
	recorder *Recorder
	name     string
	channel  string
	every    time.Duration
	patience time.Duration // for one message, over all tries

	node string // the last one that answered
	sent int
	keep string // an id that was acknowledged, to be published again
}

// Odds of what a publisher does beside publishing.
const (
	repeatOneIn   = 30  // publish an acknowledged id again: the answer must be the same
	oversizeOneIn = 150 // publish what must be refused, and must not be there
	oversize      = 80 << 10
	retryWait     = 100 * time.Millisecond
)

// run publishes until ctx ends; a message that is under way is brought to its end first.
func (p *publisher) run(ctx context.Context) {
	defer func() { p.node = "" }()
	begin := time.Now().Add(rand.N(p.every))
	for {
		if wait := time.Until(begin); wait > 0 && !sleep(ctx, wait) || ctx.Err() != nil {
			return
		}
		// Who waited for an answer does not make up for it by a burst.
		begin = time.Now().Add(p.every - min(p.every/2, time.Since(begin)))
		p.one(context.WithoutCancel(ctx))
	}
}

// one publishes one message.
func (p *publisher) one(ctx context.Context) {
	switch {
	case p.keep != "" && rand.IntN(repeatOneIn) == 0:
		p.again(ctx, p.keep)
		return
	case rand.IntN(oversizeOneIn) == 0:
		p.fresh(ctx, strings.Repeat("x", oversize))
		return
	}
	p.fresh(ctx, "")
}

// fresh publishes a new message, with so much more data.
func (p *publisher) fresh(ctx context.Context, more string) {
	p.sent++
	id := fmt.Sprintf("%s-%d", p.name, p.sent)
	p.recorder.Add(history.Event{Kind: history.Invoke, Client: p.name, Channel: p.channel, ID: id})
	if p.try(ctx, id, more) {
		p.keep = id
	}
}

// again repeats a message that is there.
func (p *publisher) again(ctx context.Context, id string) {
	p.recorder.Add(history.Event{Kind: history.Retry, Client: p.name, Channel: p.channel, ID: id})
	p.try(ctx, id, "")
}

// try sends until there is an answer that is one, or patience ends. It reports whether the message is acknowledged.
func (p *publisher) try(ctx context.Context, id, more string) bool {
	end := time.Now().Add(p.patience)
	for tries := 1; ; tries++ {
		answer, err := p.post(ctx, id, more)
		if err == nil {
			p.recorder.Add(history.Event{
				Kind: history.OK, Client: p.name, Channel: p.channel, ID: id, Epoch: answer.Epoch, Offset: answer.Offset,
				Copies: answer.Copies, Duplicate: answer.Duplicate,
			})
			return true
		}
		refused, answered := errors.AsType[*refusal](err)
		if answered && refused.final() && (tries == 1 || more != "") { // what is too large was so at each try
			p.recorder.Add(history.Event{Kind: history.Refused, Client: p.name, Channel: p.channel, ID: id, Reason: reason(err)})
			return false
		}
		p.recorder.Add(history.Event{
			Kind: history.Error, Client: p.name, Channel: p.channel, ID: id, Status: status(err), Reason: "publish: " + reason(err),
		})
		p.node = p.target.pick(p.node)
		if time.Now().After(end) {
			p.recorder.Add(history.Event{Kind: history.Unknown, Client: p.name, Channel: p.channel, ID: id, Reason: reason(err)})
			return false
		}
		sleep(ctx, rand.N(retryWait))
		p.recorder.Add(history.Event{Kind: history.Retry, Client: p.name, Channel: p.channel, ID: id})
	}
}

// acknowledgement is the answer to a publish.
type acknowledgement struct {
	ID        string `json:"id"`
	Channel   string `json:"channel"`
	Epoch     string `json:"epoch"`
	Offset    uint64 `json:"offset"`
	Copies    int    `json:"copies"`
	Duplicate bool   `json:"duplicate,omitzero"`
}

// post sends the message once, now and then to another node.
func (p *publisher) post(ctx context.Context, id, more string) (answer acknowledgement, err error) {
	if p.node == "" || rand.IntN(10) == 0 {
		p.node = p.target.pick("")
	}
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	body := fmt.Appendf(nil, `{"id":%q,"data":{"from":%q,"more":%q}}`, id, p.name, more)
	err = p.target.do(ctx, http.MethodPost, p.node+"/v1/channels/"+url.PathEscape(p.channel)+"/messages", bytes.NewReader(body), &answer)
	if err == nil && answer.Epoch == "" {
		err = errors.New("an answer without a position")
	}
	return answer, err
}
