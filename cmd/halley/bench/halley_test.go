package bench

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// A request that was written by hand is what the standard library reads.
func TestHalleyPublishes(t *testing.T) {
	t.Parallel()
	h := Halley{Key: "hl_sk_x"}
	data := appendPayload(nil, 64, 3, 77)
	one := h.AppendPublish(nil, "127.0.0.1:8080", "bench-1", []byte("id-1"), data)
	requests := bufio.NewReader(bytes.NewReader(h.AppendPublish(one, "127.0.0.1:8080", "bench-2", []byte("id-2"), data)))
	for _, want := range []struct{ path, id string }{{"/v1/channels/bench-1/messages", "id-1"}, {"/v1/channels/bench-2/messages", "id-2"}} {
		request, err := http.ReadRequest(requests)
		if err != nil {
			t.Fatal(err)
		}
		if request.Method != http.MethodPost || request.URL.Path != want.path || request.Host != "127.0.0.1:8080" ||
			request.Header.Get("Authorization") != "Bearer hl_sk_x" || request.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s, headers %v", request.Method, request.URL, request.Header)
		}
		var body struct {
			ID   string `json:"id"`
			Data string `json:"data"`
		}
		if err := json.UnmarshalRead(request.Body, &body); err != nil || body.ID != want.id || `"`+body.Data+`"` != string(data) {
			t.Errorf("%+v, %v", body, err)
		}
	}
	if rest, _ := io.ReadAll(requests); len(rest) > 0 {
		t.Errorf("%q is left", rest)
	}
}

func TestHalleySubscribes(t *testing.T) {
	t.Parallel()
	h := Halley{Key: "hl_sk_x", PublishableKey: "hl_pk_x"}
	for _, transport := range []Transport{WebSocket, SSE} {
		for token, shows := range map[string]string{"": "key=hl_pk_x", "a.b": "token=a.b"} {
			got, err := h.Subscription(transport, "bench-1", token)
			if err != nil || !strings.Contains(got.Path, shows) || strings.Contains(got.Path, "hl_sk_") || len(got.Steps) == 0 {
				t.Errorf("%s with %q: %+v, %v", transport, token, got, err)
			}
		}
	}
	if got, err := h.Subscription(Pusher, "bench-1", ""); err == nil {
		t.Errorf("without a key of Pusher's: %+v", got)
	}
	h.PusherKey = "abc"
	if got, err := h.Subscription(Pusher, "bench-1", ""); err != nil || !strings.HasPrefix(got.Path, "/app/abc?protocol=7&") || len(got.Steps) != 2 {
		t.Errorf("by Pusher's protocol: %+v, %v", got, err)
	}
	if _, err := h.Subscription("pigeon", "bench-1", ""); err == nil {
		t.Error("a pigeon is a transport")
	}
}

func TestHalleyOffset(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]uint64{
		`{"op":"message","data":"x","epoch":"a","offset":42,"timestamp":7}`: 42,
		"event: message\nid: a:1\ndata: {\"offset\":7}":                     7,
		`{"event":"message","channel":"a","data":"{\"offset\":7}"}`:         0,
		`{"op":"ping"}`:       0,
		`{"offset":`:          0,
		`{"offset":"twelve"}`: 0,
	} {
		if got := (Halley{}).Offset([]byte(message)); got != want {
			t.Errorf("%s: %d, want %d", message, got, want)
		}
	}
}
