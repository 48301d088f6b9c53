package pushnode

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"halley/pushnode/http1"
	"halley/pushnode/pusher"
)

var (
	pusherBegin  = []byte("/apps/")
	pusherEvents = []byte("events") // the end of /events, and of /batch_events
	queryBegin   = []byte("?")
)

// isPusherEvents reports whether the target of a request may be that of events by Pusher's API.
func isPusherEvents(target []byte) bool {
	path, _, found := bytes.Cut(target, queryBegin)
	return found && bytes.HasPrefix(path, pusherBegin) && bytes.HasSuffix(path, pusherEvents)
}

// answerPusher is servePusher for events and batches whose target needs no decoding.
func (q quick) answerPusher(ctx context.Context, r *http1.Request, a *http1.Answer) bool {
	q.begin(a)
	status, text, err := q.node.publishPusher(ctx, r)
	switch {
	case errors.Is(err, errNotQuick):
		return false
	case err != nil:
		path, _, _ := bytes.Cut(r.Target, queryBegin)
		status, text = q.node.pusherRefusal(a, http.MethodPost, string(path), err)
	default:
		a.Set("Content-Type", jsonType)
	}
	a.Say(status, text)
	return true
}

func (n *Node) publishPusher(ctx context.Context, r *http1.Request) (status int, text []byte, err error) {
	path, raw, _ := bytes.Cut(r.Target, queryBegin)
	target, _ := pusher.ParsePath(string(path))
	if target.Call != pusher.CallEvents && target.Call != pusher.CallBatch {
		return 0, nil, errNotQuick
	}
	query, err := pusher.ParseQuery(string(raw))
	if err != nil {
		return 0, nil, err
	}
	call := pusherCall{
		target:  target,
		request: pusher.Request{Method: http.MethodPost, Path: string(path), Raw: string(path), Query: query},
		body:    r.Body,
	}
	if err := n.verifyPusher(&call); err != nil {
		return 0, nil, err
	}
	if len(call.body) > call.mostOfBody() {
		return 0, nil, errNotQuick
	}
	if err := call.request.VerifyBody(call.body); err != nil {
		return 0, nil, err
	}
	return n.answerPusher(ctx, call)
}
