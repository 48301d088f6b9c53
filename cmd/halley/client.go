package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/auth"
)

// clientConfig says where a node is and who asks. It serves the commands that are clients of a running node.
type clientConfig struct {
	URL     string        `default:"http://localhost:8080" placeholder:"URL" env:"HALLEY_URL" help:"Where Halley is. Default: ${default}."`
	KeyFile string        `placeholder:"FILE" env:"HALLEY_KEY_FILE" help:"File that holds the key or token. The environment variable HALLEY_KEY may hold it instead."`
	Timeout time.Duration `default:"30s" env:"HALLEY_TIMEOUT" help:"How long to try before giving up. Default: ${default}."`
}

// Validate refuses a URL that leads nowhere.
func (c clientConfig) Validate() error {
	parsed, err := url.Parse(c.URL)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("--url %q: want http://host or https://host", c.URL)
	}
	if c.Timeout <= 0 {
		return errors.New("--timeout must be positive")
	}
	return nil
}

// credential is the key or token to show.
func (c clientConfig) credential() (auth.Secret, error) {
	credential, err := readSecret(c.KeyFile, "HALLEY_KEY")
	if err != nil {
		return auth.Secret{}, err
	}
	if credential.IsZero() {
		return auth.Secret{}, errors.New("no key: set HALLEY_KEY, or name a file by --key-file")
	}
	return credential, nil
}

// endpoint is the URL of a path of the API.
func (c clientConfig) endpoint(path string) string { return strings.TrimSuffix(c.URL, "/") + path }

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// post sends a JSON body and returns the JSON answer. It tries again where the node says "later" or cannot be reached, until the
// timeout; so what it sends must be safe to repeat.
func (c clientConfig) post(ctx context.Context, path string, body []byte) (jsontext.Value, error) {
	credential, err := c.credential()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var waits backoff
	for {
		answer, err := c.postOnce(ctx, path, body, credential)
		refused, ok := errors.AsType[*refusal](err)
		if err == nil || ok && !refused.temporary() {
			return answer, err
		}
		wait := waits.next()
		if ok {
			wait = max(wait, refused.retryAfter)
		}
		if !sleep(ctx, wait) {
			return nil, err
		}
	}
}

func (c clientConfig) postOnce(ctx context.Context, path string, body []byte, credential auth.Secret) (jsontext.Value, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(path), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+credential.Reveal())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "halley")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, newRefusal(response, answer)
	}
	return answer, nil
}

// refusal is an answer that is an error.
type refusal struct {
	status     int
	name       string // of the table of errors; empty where the answer came from something else than Halley
	message    string
	retryAfter time.Duration
}

func newRefusal(response *http.Response, body []byte) *refusal {
	var answer struct {
		Error struct {
			Name    string `json:"name"`
			Message string `json:"message"`
		} `json:"error"`
	}
	r := &refusal{status: response.StatusCode, message: response.Status}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Name != "" {
		r.name, r.message = answer.Error.Name, answer.Error.Message
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.retryAfter = time.Duration(seconds) * time.Second
	}
	return r
}

// Error is the server's own sentence.
func (r *refusal) Error() string {
	if r.name == "" {
		return r.message
	}
	return fmt.Sprintf("%s (%s)", r.message, r.name)
}

// temporary reports whether the same request may succeed later.
func (r *refusal) temporary() bool {
	return r.status == http.StatusTooManyRequests || r.status >= http.StatusInternalServerError
}

// Waits between two tries.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
)

// backoff gives the waits between tries: each time up to twice as long, with full jitter so that many clients do not return at
// once. The zero value is ready.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	ceiling := min(firstWait<<min(b.tries, 10), longestWait)
	b.tries++
	return rand.N(ceiling) + time.Millisecond
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
