package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"halley/auth"
)

// Bounds of one attempt.
const (
	attemptTime = 10 * time.Second // from the first look-up of the name to the end of the answer
	answerBytes = 64 << 10         // that are read of an answer: what follows is not waited for
)

// Post is one request to an endpoint.
type Post struct {
	Endpoint *Endpoint
	Signer   Signer
	ID       string // of the delivery, the same at each attempt
	Body     []byte
}

// Attempt is what came of sending a Post once.
type Attempt struct {
	Status   int    // of the answer; 0: there was none
	Fault    string // why there was none, for people
	Duration time.Duration
}

// OK reports whether the endpoint has accepted what was sent.
func (a Attempt) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Sender sends requests to endpoints: to public addresses, and where the operator allows it, on ports 80, 443 and from 1024 on. It follows no
// redirects and knows no proxy (auth.DialPolicy).
type Sender struct {
	client *http.Client
}

// NewSender returns a sender that goes where the policy allows it, over http and https, on high ports too.
func NewSender(policy auth.DialPolicy) *Sender {
	policy.PlainHTTP, policy.HighPorts, policy.Timeout, policy.KeepAlive = true, true, attemptTime, concurrency
	return &Sender{client: policy.Client()}
}

// Close closes connections that are kept for later.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Send makes one attempt. It takes attemptTime at the most.
func (s *Sender) Send(ctx context.Context, post Post) Attempt {
	begun := time.Now()
	status, err := s.send(ctx, post)
	attempt := Attempt{Status: status, Duration: time.Since(begun)}
	if err != nil {
		attempt.Fault = fault(err)
	}
	return attempt
}

func (s *Sender) send(ctx context.Context, post Post) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, post.Endpoint.URL, bytes.NewReader(post.Body))
	if err != nil {
		return 0, err
	}
	for _, header := range post.Endpoint.Headers {
		request.Header.Set(header.Name, header.Value.Reveal())
	}
	request.Header.Set("Content-Type", "application/json") // exactly so: SDKs compare it whole
	request.Header.Set("User-Agent", "Halley-Webhooks")
	request.Header.Set("X-Pusher-Key", post.Signer.Key)
	request.Header.Set("X-Pusher-Signature", post.Signer.sign(post.Body))
	request.Header.Set("Halley-Delivery", post.ID)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, answerBytes)) // so that the connection can be used again
	_ = response.Body.Close()
	return response.StatusCode, nil
}

// maxFault bounds the text of a fault, in bytes.
const maxFault = 200

// fault is an error as the app's owner may see it: without the URL, which they know and which may hold a password, and without addresses of
// our own network, which are not theirs to know. It is valid UTF-8, whatever the endpoint has answered.
func fault(err error) string {
	if wrapped, is := errors.AsType[*url.Error](err); is {
		err = wrapped.Err
	}
	text := strings.ToValidUTF8(faultText(err), "\ufffd")
	return strings.ToValidUTF8(text[:min(len(text), maxFault)], "") // it may be cut amid a character
}

func faultText(err error) string {
	lookUp, ofName := errors.AsType[*net.DNSError](err)
	exchange, ofNetwork := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "this node was stopped amid the attempt"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %v", attemptTime)
	case ofName && lookUp.IsNotFound: // its text names the resolver
		return "there is no host of that name"
	case ofName:
		return "the name of the host could not be looked up"
	case ofNetwork && errors.Is(err, auth.ErrAddressRefused): // its text is the address, which the name has perhaps inside alone
		return "the host has no public address"
	case ofNetwork:
		told := *exchange
		told.Source = nil // this node's
		return told.Error()
	}
	return err.Error()
}
