package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// Halley is the native dialect: web/docs/protocol.md.
type Halley struct {
	Key            string // secret key: publishes, and issues tokens
	PublishableKey string // subscribes
	PusherKey      string // subscribes by Pusher's protocol; empty: the app does not speak it
}

// Subscription follows a channel as a browser does.
func (h Halley) Subscription(transport Transport, channel, token string) (Subscription, error) {
	query := url.Values{"key": {h.PublishableKey}}
	if token != "" {
		query = url.Values{"token": {token}}
	}
	switch transport {
	case WebSocket:
		return Subscription{
			Path: "/v1/ws?" + query.Encode(),
			Steps: []Step{
				{Hear: `"op":"connected"`},
				{Say: `{"op":"subscribe","ref":1,"channel":"` + channel + `"}`, Hear: `"op":"ok"`},
			},
			Farewell: `{"op":"close"}`,
		}, nil
	case SSE:
		query.Set("channel", channel)
		return Subscription{
			Path: "/v1/sse?" + query.Encode(), Header: "Accept: text/event-stream\r\n", Steps: []Step{{Hear: "event: subscribed"}},
		}, nil
	case Pusher:
		return h.pusherSubscription(channel)
	}
	return Subscription{}, fmt.Errorf("no transport %q", transport)
}

// pusherSubscription follows a channel as pusher-js does.
func (h Halley) pusherSubscription(channel string) (Subscription, error) {
	if h.PusherKey == "" {
		return Subscription{}, errors.New("no key of Pusher's: see --pusher-key")
	}
	return Subscription{
		Path: "/app/" + h.PusherKey + "?protocol=7&client=js&version=8.6.0&flash=false",
		Steps: []Step{
			{Hear: `"event":"pusher:connection_established"`},
			{Say: `{"event":"pusher:subscribe","data":{"auth":"","channel":"` + channel + `"}}`, Hear: `"event":"pusher_internal:subscription_succeeded"`},
		},
	}, nil
}

// AppendPublish publishes with an id, so that the server looks for a duplicate.
func (h Halley) AppendPublish(dst []byte, host, channel string, id, data []byte) []byte {
	const open, middle, end = `{"id":"`, `","data":`, `}`
	dst = append(append(dst, "POST /v1/channels/"...), channel...)
	dst = append(append(dst, "/messages HTTP/1.1\r\nHost: "...), host...)
	dst = append(append(dst, "\r\nAuthorization: Bearer "...), h.Key...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(open)+len(id)+len(middle)+len(data)+len(end)), 10)
	dst = append(append(dst, "\r\n\r\n"+open...), id...)
	dst = append(append(dst, middle...), data...)
	return append(dst, end...)
}

var (
	offsetField = []byte(`"offset":`)
	pusherBegin = []byte(`{"event":`)
)

// Offset reads the field of that name, which the data of a run does not hold. Messages of Pusher's protocol have none: to look for it would cost
// more than all else that is done with them.
func (Halley) Offset(message []byte) uint64 {
	if bytes.HasPrefix(message, pusherBegin) {
		return 0
	}
	at := bytes.LastIndex(message, offsetField)
	if at < 0 {
		return 0
	}
	var offset uint64
	for _, digit := range message[at+len(offsetField):] {
		if digit < '0' || digit > '9' {
			break
		}
		offset = offset*10 + uint64(digit-'0')
	}
	return offset
}

const (
	tokenPatience = 10 * time.Second
	maxTokenBytes = 64 << 10
)

// Token asks for a token of a client that may subscribe to everything, for the hour that is the default.
func (h Halley) Token(ctx context.Context, address *url.URL, clientID string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenPatience)
	defer cancel()
	body := fmt.Appendf(nil, `{"client_id":%q,"capabilities":{"*":["subscribe"]}}`, clientID)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.JoinPath("/v1/tokens").String(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+h.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxTokenBytes))
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("no token: %s: %s", response.Status, text)
	}
	return answer.Token, nil
}
