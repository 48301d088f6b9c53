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
		"/healthz", "/readyz", "/docs", "/halley.js", "/halley.mjs", "/halley-pusher.js", "/v1/openapi.yaml", "/.well-known/jwks.json",
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

// TestPusherPaths: Pusher's API and the console's pages share /apps/, and neither takes a path of the other.
func TestPusherPaths(t *testing.T) {
	t.Parallel()
	for path, pushers := range map[string]bool{
		"/apps/123456/events": true, "/apps/123456/channels/news/users": true, "/apps/app_1/events": true, "/apps/app_1/channels": true,
		"/apps/123456/nothing": true, "/users/ada/terminate_connections": true, "/apps/app-id/users/ada/terminate_connections": true,
		"/app/key": true, "/app/": true, "/app": false,
		"/pusher/app/key/042/0123abcd/xhr": true, "/pusher/app/": true, "/pusher/app": false, "/pusher": false,
		"/apps": false, "/apps/": false, "/apps/new": false, "/apps/123456": false, "/apps/app_1": false, "/apps/app_1/keys": false,
		"/apps/app_1/settings/name": false, "/users/ada": false, "/": false, "/v1/apps/1/events": false,
	} {
		if got := isPusherPath(path); got != pushers {
			t.Errorf("%s: %v", path, got)
		}
	}
	s := serveHere(t)
	for path, status := range map[string]int{"/apps/123456/events": http.StatusMethodNotAllowed, "/apps/123456/channels": http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := plainClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if kind := response.Header.Get("Content-Type"); response.StatusCode != status || kind != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %s, want %d", path, response.StatusCode, kind, status)
		}
	}
}
