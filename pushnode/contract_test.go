package pushnode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"halley/web"
)

// contract is the specification that the node serves, ready to judge requests and answers.
type contract struct{ spec *openapi3.T }

// specified reads the specification once, as a client gets it.
var specified = sync.OnceValues(func() (*contract, error) {
	answer, request := new(recorder), &http.Request{Method: http.MethodGet, Header: http.Header{}}
	web.OpenAPI(answer, request)
	spec, err := openapi3.NewLoader().LoadFromData(answer.Bytes())
	if err != nil {
		return nil, err
	}
	return &contract{spec}, spec.Validate(context.Background())
})

// find returns the operation that a request is for, or nil. The paths are few and none is ambiguous.
func (c *contract) find(request *http.Request) (*routers.Route, map[string]string) {
	parts := strings.Split(request.URL.EscapedPath(), "/")
	for path, item := range c.spec.Paths.Map() {
		parameters, fits := match(strings.Split(path, "/"), parts)
		if operation := item.GetOperation(request.Method); fits && operation != nil {
			return &routers.Route{Spec: c.spec, Path: path, PathItem: item, Method: request.Method, Operation: operation}, parameters
		}
	}
	return nil, nil
}

func match(template, parts []string) (parameters map[string]string, fits bool) {
	parameters = make(map[string]string)
	for i, part := range parts {
		switch {
		case len(template) != len(parts):
			return nil, false
		case strings.HasPrefix(template[i], "{"):
			value, err := url.PathUnescape(part)
			if err != nil {
				return nil, false
			}
			parameters[strings.Trim(template[i], "{}")] = value
		case template[i] != part:
			return nil, false
		}
	}
	return parameters, true
}

// recorder takes an answer that is made in this process.
type recorder struct{ bytes.Buffer }

func (*recorder) Header() http.Header { return http.Header{} }
func (*recorder) WriteHeader(int)     {}

// checked holds what goes through it against the specification.
type checked struct {
	tb   testing.TB
	base http.RoundTripper

	mu     sync.Mutex
	judged map[string]int // guarded by mu: how many exchanges, by what they are alike in
}

// enough is how many exchanges that are alike are judged: each takes milliseconds.
const enough = 12

// told finds the name of the error in an answer.
var told = regexp.MustCompile(`"name":"\w+"`)

// known reports whether enough exchanges like this one were judged. What must hold of every single answer is looked at here.
func (c *checked) known(request *http.Request, response *http.Response, body []byte) bool {
	waits := response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
	if wait, err := strconv.Atoi(response.Header.Get("Retry-After")); waits && (err != nil || wait < 1) {
		c.tb.Errorf("%s %s: %d without a good Retry-After: %v", request.Method, request.URL, response.StatusCode, response.Header)
	}
	parts := strings.Split(request.URL.Path, "/")
	alike := fmt.Sprint(request.Method, len(parts), parts[len(parts)-1], response.StatusCode, string(told.Find(body)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judged[alike]++
	return c.judged[alike] > enough
}

// RoundTrip implements http.RoundTripper.
func (c *checked) RoundTrip(request *http.Request) (*http.Response, error) {
	var sent []byte
	if request.Body != nil {
		sent = must(io.ReadAll(request.Body))(c.tb)
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := c.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := finite(response)
	if err != nil {
		return nil, err
	}
	if c.known(request, response, body) {
		return response, nil
	}
	if err := checkExchange(request, sent, response); err != nil {
		c.tb.Errorf("%s %s, answered with %d, breaks the specification: %v", request.Method, request.URL, response.StatusCode, err)
	}
	return response, nil
}

// checkExchange judges an exchange. What was answered well must have been asked well; what was asked badly need only be
// answered well.
func checkExchange(request *http.Request, sent []byte, response *http.Response) error {
	known, err := specified()
	if err != nil {
		return err
	}
	body, err := finite(response)
	if err != nil {
		return err
	}
	route, parameters := known.find(request)
	if route == nil {
		return known.checkUnrouted(request, response.StatusCode, body)
	}
	asked := &openapi3filter.RequestValidationInput{
		Request: request.Clone(request.Context()), PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, IncludeResponseStatus: true,
			// What is wrong with one item of many is said in its place, and the answer is a 200.
			ExcludeRequestBody: request.Header.Get("Content-Encoding") != "" || bytes.Contains(body, []byte(`"error":`)),
		},
	}
	asked.Request.Body = io.NopCloser(bytes.NewReader(sent))
	if response.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(request.Context(), asked); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if declared := route.Operation.Responses.Status(response.StatusCode); kind != "application/json" && declared != nil {
		if len(declared.Value.Content) > 0 && declared.Value.Content[kind] == nil {
			return fmt.Errorf("answer: it is %q: %.300s", kind, body)
		}
		asked.Options.ExcludeResponseBody = true
	}
	answered := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: response.StatusCode, Header: response.Header, Options: asked.Options,
	}
	if err := openapi3filter.ValidateResponse(request.Context(), answered.SetBodyBytes(body)); err != nil {
		return fmt.Errorf("answer: %w: %.300s", err, body)
	}
	return nil
}

// finite reads the body of an answer that has an end, and leaves it to be read again. Of others it is nil.
func finite(response *http.Response) ([]byte, error) {
	endless := response.StatusCode == http.StatusSwitchingProtocols ||
		strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream")
	if endless {
		return nil, nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// checkUnrouted judges the answer to what the specification does not have.
func (c *contract) checkUnrouted(request *http.Request, status int, body []byte) error {
	switch {
	case request.Method == http.MethodOptions && status == http.StatusNoContent:
		return nil
	case strings.HasPrefix(request.URL.Path, "/docs/"):
		return nil
	case strings.HasPrefix(request.URL.Path, "/app/"), strings.HasPrefix(request.URL.Path, "/apps/"), strings.HasPrefix(request.URL.Path, "/users/"),
		strings.HasPrefix(request.URL.Path, "/pusher/"):
		return nil // Pusher's protocol has a specification of its own
	case status != http.StatusNotFound && status != http.StatusMethodNotAllowed:
		return fmt.Errorf("it knows no such call")
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	return c.spec.Components.Schemas["ErrorBody"].Value.VisitJSON(value)
}
