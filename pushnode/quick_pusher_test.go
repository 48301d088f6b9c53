package pushnode_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"halley/tenant"
)

// serverTime is what differs between two refusals of the same call a second later.
var serverTime = regexp.MustCompile(`server time \([^)]*\)`)

// Whoever answers an event of Pusher's API, net/http or the quick loop, its answer has the same status, head and body, byte for byte.
func TestQuickAnswersToPusherAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	plain, quick, answered := n.serveTwice(t)
	p := n.newApp(t, "both", nil).pusher(t)
	slow := n.newApp(t, "slow", tenant.Overrides{tenant.LimitPublishesPerSecond: 1, tenant.LimitBatch: 1}).pusher(t)
	full := n.newApp(t, "full", tenant.Overrides{tenant.LimitMessagesPerMonth: 1}).pusher(t)
	forged := *p
	forged.Key = slow.Key
	const event = `{"name":"e","channel":"a","data":"1"}`
	for name, test := range map[string]struct {
		by     *pusherApp
		rest   string // /events where none is given
		query  string
		body   string
		head   string
		signed string // another query than the signed one
		again  bool   // the first answer with the status counts
		status int
		loop   bool // the quick loop answers
	}{
		"an event":              {body: event, status: 200, loop: true},
		"a library's head":      {body: event, head: "Content-Type: application/json\r\nX-Pusher-Library: a 1.0\r\nUser-Agent: b\r\n", status: 200, loop: true},
		"attributes":            {body: `{"name":"e","channels":["a","b"],"data":"1","info":"subscription_count"}`, status: 200, loop: true},
		"a batch":               {rest: "/batch_events", body: `{"batch":[` + event + `]}`, status: 200, loop: true},
		"an unknown parameter":  {query: "z=1", body: event, status: 200, loop: true},
		"an encoded parameter":  {query: "z=a b", signed: "z=a%20b", body: event, status: 200},
		"an old call":           {rest: "/channels/a/events", query: "name=e", body: "1", status: 202},
		"another old call":      {rest: "/channels/events/events", query: "name=e", body: "1", status: 202},
		"no call":               {rest: "/other_events", body: event, status: 404},
		"terminate":             {rest: "/users/a/terminate_connections", body: "{}", status: 200},
		"a separator":           {query: "z=1", signed: "z=1?=2", body: event, status: 401, loop: true},
		"a parameter too many":  {query: "z=1", signed: "z=1&z=2", body: event, status: 401, loop: true},
		"an empty parameter":    {query: "z=1", signed: "&&z=1&", body: event, status: 200, loop: true},
		"no parameters":         {signed: "only", body: event, status: 401, loop: true},
		"another app's key":     {by: &forged, body: event, status: 401, loop: true},
		"no JSON":               {body: "{", status: 400, loop: true},
		"too large data":        {body: `{"name":"e","channel":"a","data":"` + strings.Repeat("x", 10_241) + `"}`, status: 413, loop: true},
		"too large a body":      {body: strings.Repeat(" ", 100_000) + event, status: 413},
		"one too many a second": {by: slow, body: event, again: true, status: 429, loop: true},
		"one too many a month":  {by: full, body: event, again: true, status: 403, loop: true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.by == nil {
				test.by = p
			}
			if test.rest == "" {
				test.rest = "/events"
			}
			path := test.by.path(test.rest)
			query := test.by.sign(http.MethodPost, path, test.query, test.body)
			switch {
			case test.signed == "only":
				query = "only"
			case test.signed != "":
				query = strings.Replace(query, test.query, test.signed, 1)
			}
			request := fmt.Sprintf("POST %s?%s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s", path, query, test.head, len(test.body), test.body)
			status := fmt.Sprintf("HTTP/1.1 %d ", test.status)
			ask := func(address string) string {
				answer := saying(t, address, request)
				for tries := 0; test.again && tries < 50 && !strings.HasPrefix(answer, status); tries++ {
					answer = saying(t, address, request)
				}
				return serverTime.ReplaceAllString(answer, "-")
			}
			want := ask(plain)
			before := answered.Load()
			if got := ask(quick); got != want {
				t.Errorf("the answer is\n%s\nand net/http's\n%s", got, want)
			}
			if !strings.HasPrefix(want, status) {
				t.Errorf("the answer is %s, want %s", want, status)
			}
			if loop := answered.Load() > before; loop != test.loop {
				t.Errorf("the loop answered: %v, want %v", loop, test.loop)
			}
		})
	}
}
