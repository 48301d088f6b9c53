package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthIsOnlyRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method string
		check  error
		status int
		body   string
	}{
		{http.MethodGet, nil, http.StatusOK, "ok\n"},
		{http.MethodHead, nil, http.StatusOK, "ok\n"}, // net/http leaves it out
		{http.MethodGet, errors.New("draining"), http.StatusServiceUnavailable, "draining\n"},
		{http.MethodPost, nil, http.StatusMethodNotAllowed, "method not allowed\n"},
		{http.MethodDelete, errors.New("draining"), http.StatusMethodNotAllowed, "method not allowed\n"},
	} {
		answer := httptest.NewRecorder()
		onlyRead(healthHandler(func() error { return test.check })).ServeHTTP(answer, httptest.NewRequest(test.method, "/readyz", nil))
		if answer.Code != test.status || answer.Body.String() != test.body {
			t.Errorf("%s, %v: got %d %q, want %d %q", test.method, test.check, answer.Code, answer.Body, test.status, test.body)
		}
		if allow := answer.Header().Get("Allow"); (allow == "GET, HEAD") != (test.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s: Allow is %q", test.method, allow)
		}
	}
}

// TestPublicMethods asks the public port itself, whose paths have handlers of several packages.
func TestPublicMethods(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	for _, path := range []string{
		"/healthz", "/readyz", "/docs", "/halley.js", "/halley.mjs", "/v1/openapi.yaml", "/.well-known/jwks.json",
	} {
		for method, status := range map[string]int{
			http.MethodGet: http.StatusOK, http.MethodHead: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed,
			http.MethodPut: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed,
		} {
			request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := plainClient().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != status || status == http.StatusMethodNotAllowed && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q, want %d", method, path, response.StatusCode, response.Header.Get("Allow"), status)
			}
		}
	}
}
