package pushnode_test

import (
	"io"
	"net/http"
	"testing"
)

// TestHead asks for heads: where GET reads something HEAD has the same answer without its body, and elsewhere it is refused.
func TestHead(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	a.publish(t, "news", "1")
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	ask := func(method, path string) (*http.Response, int) {
		request := must(http.NewRequestWithContext(t.Context(), method, a.node.URL+path, nil))(t)
		request.Header.Set("Authorization", "Bearer "+a.secret)
		response := must(client.Do(request))(t)
		defer response.Body.Close()
		return response, len(must(io.ReadAll(response.Body))(t))
	}
	for _, path := range []string{
		"/v1/channels/news/messages", "/v1/channels/news/presence", "/v1/channels/news", "/v1/channels", "/v1/usage",
		"/v1/channels?limit=0", "/v1/openapi.yaml", "/halley.js", "/halley.mjs", "/docs", "/docs/errors", "/docs/nowhere",
	} {
		got, length := ask(http.MethodGet, path)
		head, none := ask(http.MethodHead, path)
		if head.StatusCode != got.StatusCode || none != 0 || head.ContentLength != got.ContentLength ||
			head.Header.Get("Content-Type") != got.Header.Get("Content-Type") || head.Header.Get("ETag") != got.Header.Get("ETag") {
			t.Errorf("%s: HEAD answers %d %v, GET %d %v with %d bytes",
				path, head.StatusCode, head.Header, got.StatusCode, got.Header, length)
		}
	}
	for path, allow := range map[string]string{
		"/v1/ws": "GET", "/v1/sse?channel=news": "GET, OPTIONS", "/v1/poll?channel=news": "GET, OPTIONS", "/v1/tokens": "POST",
	} {
		if got, _ := ask(http.MethodHead, path); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != allow {
			t.Errorf("HEAD %s: %d, Allow %q, want %q", path, got.StatusCode, got.Header.Get("Allow"), allow)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		for _, path := range []string{"/docs", "/docs/errors", "/halley.js", "/v1/openapi.yaml"} {
			if got, _ := ask(method, path); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	}
}
