package pushnode_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// post makes a request of a conversation of pusher-js without a WebSocket, and returns the status and text of its answer.
func (p *pusherApp) post(t testing.TB, at *node, call, body string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	address := at.URL + "/pusher/app/" + p.Key + "/042/0123abcd/" + call + "?protocol=7&client=js&version=8.6.0"
	request := must(http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body)))(t)
	request.Header.Set("Content-Type", "application/json")
	response := must(at.client.Do(request))(t)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body))(t))
}

// fetch polls a node until lines with that text come, and returns how they begin.
func (p *pusherApp) fetch(t testing.TB, at *node, want string) (lines string) {
	t.Helper()
	for range 5 { // each waits for 25 s
		status, more := p.post(t, at, "xhr", "")
		if lines += more; status != http.StatusOK {
			t.Fatalf("answered %d: %s", status, lines)
		}
		if strings.Contains(lines, want) {
			return lines
		}
	}
	t.Fatalf("got %s, want %s", lines, want)
	return ""
}

// Each request of a conversation reaches another node, and all that is fetched comes once, in order. When the node that holds it dies, its client
// is told to begin anew.
func TestFleetFallsBack(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		first, second, third := f.nodes[0], f.nodes[1], f.nodes[2]
		if lines := a.fetch(t, first.node, "connection_established"); !strings.HasPrefix(lines, "o\n") {
			t.Fatalf("begins with %s", lines)
		}
		text := `["{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"news\"}}"]`
		if status, said := a.post(t, second.node, "xhr_send", text); status != http.StatusNoContent {
			t.Fatalf("answered %d: %s", status, said)
		}
		a.fetch(t, third.node, "subscription_succeeded")
		for i := range 9 {
			a.on(f.nodes[i%2]).trigger(t, fmt.Sprintf(`{"name":"count","channel":"news","data":"number %d"}`, i))
			if lines := a.fetch(t, f.nodes[i%3].node, "number"); strings.Count(lines, "a[") != 1 || !strings.Contains(lines, fmt.Sprint("number ", i)) {
				t.Fatalf("event %d is %s", i, lines)
			}
		}
		for _, body := range []string{"x", "[1]", `["` + strings.Repeat("x", 200_000) + `"]`} {
			if status, said := a.post(t, second.node, "xhr_send", body); status < 400 || status >= 500 {
				t.Errorf("%.10s is answered %d: %s", body, status, said)
			}
		}
		first.kill()
		began := time.Now()
		status, lines := a.post(t, second.node, "xhr", "")
		for ; status == http.StatusOK && !strings.HasPrefix(lines, "o\n"); status, lines = a.post(t, second.node, "xhr", "") {
			t.Logf("after %v: %d %.100s", time.Since(began), status, lines)
		}
		if time.Since(began) > 30*time.Second {
			t.Errorf("its end is told after %v", time.Since(began))
		}
	})
}
