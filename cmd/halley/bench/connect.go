package bench

import (
	"context"
	"fmt"
)

// maxTokens bounds how many tokens a storm shares: each is a request to the server beforehand.
const maxTokens = 2000

// connect opens connections, each with a token, as fast as it may, and closes them when all stand.
func (r *run) connect(ctx context.Context) (*Result, error) {
	o := r.options
	ctx, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := r.tokens(ctx, min(o.Connections, maxTokens))
	if err != nil {
		return nil, err
	}
	news := r.topic(o.Connections)
	before, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	storm := crowd{count: o.Connections, atOnce: o.InFlight, rate: o.Rate, member: func(i int) (*topic, string) {
		return news, tokens[i%len(tokens)]
	}}
	opened, err := r.open(ctx, storm)
	if err != nil {
		return nil, err
	}
	after, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	result := r.result()
	result.Connect = opened.latency()
	result.spend(before, after, opened.total)
	r.judge(result)
	return result, nil
}

// tokens has the server issue tokens, each for a client of its own. Of a server without tokens everybody comes without one.
func (r *run) tokens(ctx context.Context, count int) ([]string, error) {
	issuer, ok := r.target.Dialect.(Issuer)
	if !ok {
		return []string{""}, nil
	}
	tokens := make([]string, count)
	for i := range tokens {
		var err error
		if tokens[i], err = issuer.Token(ctx, r.target.URL, fmt.Sprintf("%s-%d", r.name, i)); err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
	}
	return tokens, nil
}
