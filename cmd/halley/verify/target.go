package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
)

// Target is the cluster under test, as its clients see it: the addresses of its nodes and a secret key of one app.
type Target struct {
	URLs []string // of the nodes' public ports: http://host:port
	Key  string

	client  *http.Client
	healthy atomic.Pointer[[]string] // nodes that say that they are ready, as a balancer in front would know; nil: all
}

// Patience of clients.
const (
	tryPatience  = 3 * time.Second        // for the answer to one request
	dialPatience = 2 * time.Second        // for a connection
	probeEvery   = 100 * time.Millisecond // the balancer asks each node
	maxAnswer    = 8 << 20                // bytes of one answer
)

// NewTarget checks the addresses and makes the HTTP client that all clients of the run share.
func NewTarget(urls []string, key string) (*Target, error) {
	t := &Target{Key: key}
	for _, text := range urls {
		parsed, err := url.Parse(text)
		if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return nil, errors.New("node " + text + ": want http://host or https://host")
		}
		t.URLs = append(t.URLs, strings.TrimSuffix(text, "/"))
	}
	if len(t.URLs) == 0 {
		return nil, errors.New("there is no node to talk to")
	}
	t.client = &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialPatience}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     10 * time.Second,
	}}
	return t, nil
}

// Close lets go of the connections that wait for the next request.
func (t *Target) Close() { t.client.CloseIdleConnections() }

// pick is a node to talk to, another one than the last if there is one.
func (t *Target) pick(last string) string {
	choices := t.URLs
	if healthy := t.healthy.Load(); healthy != nil && len(*healthy) > 0 {
		choices = *healthy
	}
	for range 4 {
		if choice := choices[rand.IntN(len(choices))]; choice != last {
			return choice
		}
	}
	return choices[rand.IntN(len(choices))]
}

// balance asks the nodes again and again who is ready, until ctx ends: clients then go to those alone.
func (t *Target) balance(ctx context.Context) {
	for sleep(ctx, probeEvery) {
		var ready []string
		for _, node := range t.URLs {
			if t.ready(ctx, node) {
				ready = append(ready, node)
			}
		}
		t.healthy.Store(&ready)
	}
	t.healthy.Store(nil)
}

// ready reports whether a node takes clients.
func (t *Target) ready(ctx context.Context, node string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, node+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := t.client.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// get reads an answer in JSON.
func (t *Target) get(ctx context.Context, address string, result any) error {
	return t.do(ctx, http.MethodGet, address, nil, result)
}

// do sends a request and decodes the answer; an answer that is an error becomes a *refusal.
func (t *Target) do(ctx context.Context, method, address string, body io.Reader, result any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	t.authorize(request.Header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := t.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return newRefusal(answer.StatusCode, text)
	}
	return json.Unmarshal(text, result)
}

func (t *Target) authorize(header http.Header) { header.Set("Authorization", "Bearer "+t.Key) }

// refusal is an answer that is an error.
type refusal struct {
	status int
	name   string
}

func newRefusal(status int, body []byte) *refusal {
	var answer struct {
		Error struct {
			Name string `json:"name"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what is no answer of Halley's has no name
	return &refusal{status: status, name: answer.Error.Name}
}

// Error is the status and the name of the error.
func (r *refusal) Error() string {
	return strings.TrimSpace(http.StatusText(r.status) + " " + r.name)
}

// final reports whether the same request would be refused again, and has changed nothing.
func (r *refusal) final() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	return r.status < http.StatusInternalServerError
}

// status is the status of the answer that an error is, 0 where there was no answer.
func status(err error) int {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.status
	}
	return 0
}

// reason is an error in a few words: those of one kind are counted together.
func reason(err error) string {
	var refused *refusal
	var timeout net.Error
	switch code := websocket.CloseStatus(err); {
	case code >= 0:
		return fmt.Sprintf("closed with %d", code)
	case errors.As(err, &refused):
		return refused.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	}
	return err.Error()
}

// sleep waits, and reports whether it could wait to the end.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
