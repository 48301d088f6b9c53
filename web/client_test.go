package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"halley/web"
)

// What is promised to those who load the client, or what makes pusher-js resume: bytes, gzipped.
const (
	maxClientBytes = 10 << 10
	maxPusherBytes = 2 << 10
)

func TestClientIsSmallAndCacheable(t *testing.T) {
	t.Parallel()
	handler := web.Client()
	for path, most := range map[string]int{"/halley.js": maxClientBytes, "/halley.mjs": maxClientBytes, "/halley-pusher.js": maxPusherBytes} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Header.Set("Accept-Encoding", "gzip")
			first := httptest.NewRecorder()
			handler.ServeHTTP(first, request)
			if first.Code != http.StatusOK || first.Header().Get("Content-Encoding") != "gzip" {
				t.Fatalf("got %d, encoding %q; want 200, gzip", first.Code, first.Header().Get("Content-Encoding"))
			}
			if size := first.Body.Len(); size == 0 || size >= most {
				t.Errorf("the client has %d bytes gzipped; it must stay under %d", size, most)
			}
			if got := first.Header().Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("Access-Control-Allow-Origin is %q; pages of any origin load the client", got)
			}
			request.Header.Set("If-None-Match", first.Header().Get("ETag"))
			second := httptest.NewRecorder()
			handler.ServeHTTP(second, request)
			if second.Code != http.StatusNotModified {
				t.Errorf("the same file again: got %d, want 304", second.Code)
			}
		})
	}
}

func TestClientServesNothingElse(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	web.Client().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/js/package.json", nil))
	if recorder.Code != http.StatusNotFound {
		t.Errorf("got %d, want 404", recorder.Code)
	}
}
