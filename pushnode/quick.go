package pushnode

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"halley/pushnode/http1"
	"halley/pushnode/wire"
)

// quick answers the publications that package http1 has read: POST /v1/channels/{channel}/messages with a key or token in Authorization, and
// (quick_pusher.go) events by Pusher's API. It does what Handler does for them, by the same functions and in the same order. What it does not take has no effect here.
type quick struct{ node *Node }

// Quick is the handler of the quick loop in front of Handler.
func (n *Node) Quick() http1.Handler { return quick{n} }

var (
	messagesBegin = []byte("/v1/channels/")
	messagesEnd   = []byte("/messages")
)

// channelOf is the name of the channel in the path of a publication, if that is one. A name with a slash comes percent-encoded, which the
// loop does not take.
func channelOf(target []byte) (name []byte, found bool) {
	rest, begins := bytes.CutPrefix(target, messagesBegin)
	name, ends := bytes.CutSuffix(rest, messagesEnd)
	return name, begins && ends && len(name) > 0 && !bytes.ContainsAny(name, "/?")
}

// Wants implements http1.Handler.
func (q quick) Wants(target []byte) bool {
	_, found := channelOf(target)
	return found || isPusherEvents(target)
}

// Answer implements http1.Handler.
func (q quick) Answer(ctx context.Context, r *http1.Request, a *http1.Answer) bool {
	if isPusherEvents(r.Target) {
		return q.answerPusher(ctx, r, a)
	}
	credential, plain := strings.CutPrefix(r.Authorization, "Bearer ")
	if !plain || credential == "" || strings.IndexByte(credential, ' ') >= 0 || !plainJSON(r.ContentType) {
		return false
	}
	n := q.node
	q.begin(a)
	status, text, err := n.publishQuick(ctx, credential, r, a.Room())
	if errors.Is(err, errNotQuick) {
		return false
	}
	if err != nil {
		status, text = n.refusal(a, http.MethodPost, string(r.Target), err)
	}
	a.Set("Content-Type", jsonType)
	a.Say(status, text)
	return true
}

// begin sets what stands in the head of every answer.
func (q quick) begin(a *http1.Answer) {
	a.Set("Cache-Control", "no-store")
	if q.node.draining.Load() {
		a.Set("Connection", "close")
	}
}

// errNotQuick is what publishQuick returns where it has done nothing because net/http is to answer.
var errNotQuick = errors.New("not for the quick loop")

func (n *Node) publishQuick(ctx context.Context, credential string, r *http1.Request, dst []byte) (status int, text []byte, err error) {
	grant, app, err := n.authenticateAgain(ctx, credential, r)
	if err != nil {
		return 0, nil, err
	}
	part, _ := channelOf(r.Target)
	name := string(part)
	if fault := wire.ValidChannel(name); fault != nil {
		return 0, nil, fault
	}
	if len(r.Body) > mostOfMessage(app) {
		return 0, nil, errNotQuick
	}
	return n.publishBody(ctx, app, grant, name, r.Body, dst)
}

// plainJSON reports whether a Content-Type is one of those that publishers send; jsonContent takes more.
func plainJSON(given []byte) bool {
	switch string(given) {
	case jsonType, "application/json; charset=utf-8", "application/json; charset=UTF-8", "application/json;charset=UTF-8",
		"application/json;charset=utf-8":
		return true
	default:
		return false
	}
}
