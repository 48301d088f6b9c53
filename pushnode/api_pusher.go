package pushnode

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"halley/pushnode/pusher"
	"halley/pushnode/wire"
	"halley/tenant"
)

// pusherCall is a call of Pusher's HTTP API whose signature has been verified.
type pusherCall struct {
	target   pusher.Target
	request  pusher.Request
	settings tenant.Pusher
	app      *tenant.AppView
	body     []byte
}

// servePusher answers Pusher's HTTP API: /apps/{number}/…
func (n *Node) servePusher(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	call, err := n.pusherCall(w, r)
	status, text := 0, []byte(nil)
	if err == nil {
		status, text, err = n.answerPusher(r.Context(), call)
	}
	if err != nil {
		status, text = n.pusherRefusal(w.Header(), r.Method, r.URL.Path, err)
	} else {
		w.Header().Set("Content-Type", jsonType)
	}
	write(w, status, text)
}

// pusherCall finds what a request asks for, verifies who asks, and reads its body.
func (n *Node) pusherCall(w http.ResponseWriter, r *http.Request) (pusherCall, error) {
	target, found := pusher.ParsePath(r.URL.EscapedPath())
	if !found {
		return pusherCall{}, wire.Errorf(wire.CodeNotFound, "There is nothing at %.200s", r.URL.Path)
	}
	if err := pusherMethod(w, r, target.Call); err != nil {
		return pusherCall{}, err
	}
	query, err := pusher.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return pusherCall{}, err
	}
	call := pusherCall{target: target, request: pusher.Request{Method: r.Method, Path: r.URL.Path, Raw: pathAsSent(r), Query: query}}
	if err := n.verifyPusher(&call); err != nil {
		return pusherCall{}, err
	}
	if call.body, err = content(w, r, call.mostOfBody()); err != nil {
		return pusherCall{}, call.bodyError(err)
	}
	return call, call.request.VerifyBody(call.body)
}

// pusherMethod refuses what is not the call's method. HEAD counts as GET.
func pusherMethod(w http.ResponseWriter, r *http.Request, call pusher.Call) error {
	allowed := []string{http.MethodGet, http.MethodHead}
	if call.Posts() {
		allowed = []string{http.MethodPost}
	}
	for _, method := range allowed {
		if r.Method == method {
			return nil
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return wire.Errorf(wire.CodeMethodNotAllowed, "%.20s is not a method of %.200s", r.Method, r.URL.Path)
}

// pathAsSent is the path of a request as its client wrote, and may have signed, it.
func pathAsSent(r *http.Request) string {
	if path, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(path, "/") {
		return path
	}
	return r.URL.EscapedPath()
}

// verifyPusher finds the app of a call and judges its signature. That the app is out of service is told to its owner alone.
func (n *Node) verifyPusher(call *pusherCall) (err error) {
	if n.refusing.Load() {
		return wire.Errorf(wire.CodeDraining, "this node is going away").After(time.Second)
	}
	if call.settings, err = n.pusherSettings(call.target.Number, call.request.Key()); err != nil {
		return err
	}
	if err := call.request.Verify(call.settings.Secret.Reveal(), time.Now()); err != nil {
		return err
	}
	if call.app, err = n.app(call.settings.AppID); err != nil {
		return err
	}
	return inService(call.app)
}

// pusherSettings finds the app of a number, by the key that a call names: it must be one of that app. No number: that of the key counts.
func (n *Node) pusherSettings(number, key string) (tenant.Pusher, error) {
	if key == "" {
		return tenant.Pusher{}, pusher.MissingKey()
	}
	if number != "" {
		byNumber, err := n.directory.PusherByNumber(number)
		if errors.Is(err, tenant.ErrNotFound) {
			return tenant.Pusher{}, wire.Errorf(wire.CodeAppNotFound, "There is no app %.40q", number)
		}
		if err != nil {
			return tenant.Pusher{}, n.wireError("pusher app", err)
		}
		if byNumber.Key == key {
			return byNumber, nil
		}
	}
	byKey, err := n.directory.PusherByKey(key)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && number != "" && byKey.Number != number {
		return tenant.Pusher{}, pusher.UnknownKey()
	}
	if err != nil {
		return tenant.Pusher{}, n.wireError("pusher key", err)
	}
	return byKey, nil
}

// eventBytes is how many bytes the data of an event may have.
func (c *pusherCall) eventBytes() int { return min(c.settings.EventBytes, c.app.Limits.MessageBytes) }

// noBody is what the body of a call may have that needs none.
const noBody = 4 << 10

func (c *pusherCall) mostOfBody() int {
	switch c.target.Call {
	case pusher.CallEvents:
		return pusher.MostOfEvent(c.eventBytes())
	case pusher.CallBatch:
		return pusher.MostOfBatch(c.eventBytes())
	case pusher.CallChannelEvents:
		return c.eventBytes()
	default:
		return noBody
	}
}

// bodyError is err, in Pusher's words where the body is larger than its events may be.
func (c *pusherCall) bodyError(err error) error {
	if c.mostOfBody() > noBody && errors.Is(err, wire.CodeMessageTooLarge) {
		return pusher.DataTooLarge(c.eventBytes())
	}
	return err
}

// pusherRefusal is the answer to a call that an error ends: what it says in the head, its status and its text.
func (n *Node) pusherRefusal(head head, method, path string, err error) (status int, text []byte) {
	fault, is := errors.AsType[*pusher.Fault](err)
	if !is {
		told := n.clientError(method, path, err)
		fault = &pusher.Fault{Status: told.Code.Status(), Text: told.Message}
		if wait := told.RetryAfterHeader(); wait != "" {
			head.Set("Retry-After", wait)
		}
	}
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("X-Content-Type-Options", "nosniff")
	return fault.Status, []byte(strings.ToValidUTF8(fault.Text, "\ufffd") + "\n")
}

// answerPusher does what a call asks for.
func (n *Node) answerPusher(ctx context.Context, call pusherCall) (status int, text []byte, err error) {
	status = http.StatusOK
	if !call.publishes() {
		if refusal := n.limiter.Request(call.app, time.Now()); refusal != nil {
			return 0, nil, limitError(refusal)
		}
	}
	switch call.target.Call {
	case pusher.CallEvents:
		text, err = n.pusherEvent(ctx, call)
	case pusher.CallBatch:
		text, err = n.pusherBatch(ctx, call)
	case pusher.CallChannelEvents:
		status = http.StatusAccepted
		text, err = n.pusherText(ctx, call)
	case pusher.CallChannels:
		text, err = n.pusherChannels(ctx, call)
	case pusher.CallChannel, pusher.CallStats:
		text, err = n.pusherChannel(ctx, call)
	case pusher.CallUsers:
		text, err = n.pusherUsers(ctx, call)
	case pusher.CallTerminate:
		text, err = n.pusherTerminate(ctx, call)
	}
	return status, text, err
}

// publishes reports whether the call counts against the app's rate of publications, not that of requests.
func (c *pusherCall) publishes() bool {
	return c.target.Call.Posts() && c.target.Call != pusher.CallTerminate
}
