package pushnode_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/http1"
	"halley/tenant"
)

// counting counts what the quick loop answers.
type counting struct {
	http1.Handler
	answered *atomic.Int64
}

func (c counting) Answer(ctx context.Context, r *http1.Request, a *http1.Answer) bool {
	answered := c.Handler.Answer(ctx, r, a)
	if answered {
		c.answered.Add(1)
	}
	return answered
}

// serveTwice serves the node by net/http alone, and with the quick loop before it.
func (n *node) serveTwice(t *testing.T) (plain, quick string, answered *atomic.Int64) {
	t.Helper()
	answered = new(atomic.Int64)
	first, second := must(net.Listen("tcp", "127.0.0.1:0"))(t), must(net.Listen("tcp", "127.0.0.1:0"))(t)
	front := must(http1.Listen(second, http1.Config{
		Handler: counting{n.Quick(), answered}, Header: patience, Write: patience, Idle: patience,
	}))(t)
	server := &http.Server{Handler: n.Handler(), ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(first) })
	serving.Go(func() { _ = server.Serve(front) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
		if err := front.Wait(patience); err != nil {
			t.Error(err)
		}
	})
	return first.Addr().String(), second.Addr().String(), answered
}

// passing is what differs between two answers that say the same.
var passing = regexp.MustCompile(`Date: [^\r]*|"epoch":"[^"]*"|msg_[0-9a-z]{26}|chan[pq]|"retry_after":[0-9]+`)

// saying sends a request on a connection of its own and returns the first answer, but for what passes. It does not end its side before:
// net/http would take that for a client that has gone.
func saying(t *testing.T, address, request string) string {
	t.Helper()
	conn := must(net.Dial("tcp", address))(t)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_ = must(io.WriteString(conn, request))(t)
	answer := new(bytes.Buffer)
	response := must(http.ReadResponse(bufio.NewReader(io.TeeReader(conn, answer)), nil))(t)
	defer response.Body.Close()
	_ = must(io.Copy(io.Discard, response.Body))(t)
	return passing.ReplaceAllString(answer.String(), "-")
}

// Whoever answers a publication, net/http or the quick loop, its answer has the same status, head and body, byte for byte.
func TestQuickAnswersAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	plain, quick, answered := n.serveTwice(t)
	a := n.newApp(t, "both", tenant.Overrides{tenant.LimitMessageBytes: 2000})
	slow := n.newApp(t, "slow", tenant.Overrides{tenant.LimitPublishesPerSecond: 1, tenant.LimitBatch: 1})
	full := n.newApp(t, "full", tenant.Overrides{tenant.LimitMessagesPerMonth: 1})
	a.rule(t, channel.Rule{Prefix: "open-", Public: true, ClientPublish: true})
	token := a.token(t, `{"capabilities":{"other":["publish"]}}`)
	key, json := "Authorization: Bearer "+a.secret+"\r\n", "Content-Type: application/json\r\n"
	for name, test := range map[string]struct {
		head, body string
		channel    string // chanX where none is given
		again      bool   // the first answer with the status counts
		status     int
		loop       bool // the quick loop answers
	}{
		"a publication":     {head: key + json, body: `{"data":1}`, status: 201, loop: true},
		"all its fields":    {head: key + json, body: `{"event":"e","data":{"a":[1]},"id":"x1","exclude":"ses"}`, status: 201, loop: true},
		"the same again":    {head: key + json, body: `{"data":1,"id":"x2"}`, again: true, status: 200, loop: true},
		"with a charset":    {head: key + "Content-Type: application/json; charset=utf-8\r\n", body: `{"data":1}`, status: 201, loop: true},
		"with a request id": {head: key + json + "X-Request-Id: r1\r\n", body: `{"data":1}`, status: 201, loop: true},
		"a publishable key, an open channel": {
			head: "Authorization: Bearer " + a.publishable + "\r\n" + json, channel: "open-chanX", body: `{"data":1}`, status: 201, loop: true,
		},
		"a publishable key":     {head: "Authorization: Bearer " + a.publishable + "\r\n" + json, body: `{"data":1}`, status: 403, loop: true},
		"a token that may not":  {head: "Authorization: Bearer " + token + "\r\n" + json, body: `{"data":1}`, status: 403, loop: true},
		"no key":                {head: json, body: `{"data":1}`, status: 401},
		"a wrong key":           {head: "Authorization: Bearer hl_sk_a\r\n" + json, body: `{"data":1}`, status: 401, loop: true},
		"no token":              {head: "Authorization: Bearer abc\r\n" + json, body: `{"data":1}`, status: 401, loop: true},
		"Basic":                 {head: "Authorization: Basic YTo=\r\n" + json, body: `{"data":1}`, status: 401},
		"bearer in lower case":  {head: "Authorization: bearer " + a.secret + "\r\n" + json, body: `{"data":1}`, status: 201},
		"no type":               {head: key, body: `{"data":1}`, status: 415},
		"another type":          {head: key + "Content-Type: text/plain\r\n", body: `{"data":1}`, status: 415},
		"a bad name":            {head: key + json, channel: "a~chanX", body: `{"data":1}`, status: 400, loop: true},
		"an ampersand":          {head: key + json, channel: "a&chanX", body: `{"data":1}`, status: 400, loop: true},
		"a query":               {head: key + json, channel: "chanX?a=", body: `{"data":1}`, status: 405},
		"too long a name":       {head: key + json, channel: strings.Repeat("a", 201), body: `{"data":1}`, status: 400, loop: true},
		"no name":               {head: key + json, channel: "/", body: `{"data":1}`, status: 404},
		"no JSON":               {head: key + json, body: `{"data":`, status: 400, loop: true},
		"an unknown field":      {head: key + json, body: `{"data":1,"daat":1}`, status: 400, loop: true},
		"a field twice":         {head: key + json, body: `{"data":1,"data":1}`, status: 400, loop: true},
		"no UTF-8":              {head: key + json, body: "{\"data\":\"\xff\"}", status: 400, loop: true},
		"too large a message":   {head: key + json, body: `{"data":"` + strings.Repeat("a", 2000) + `"}`, status: 413, loop: true},
		"too large a body":      {head: key + json, body: strings.Repeat(" ", 6200) + `{"data":1}`, status: 413},
		"one too many a second": {head: "Authorization: Bearer " + slow.secret + "\r\n" + json, body: `{"data":1}`, again: true, status: 429, loop: true},
		"one too many a month":  {head: "Authorization: Bearer " + full.secret + "\r\n" + json, body: `{"data":1}`, again: true, status: 403, loop: true},
		"a method that is none": {head: key + json + "X-Unknown: a\r\n", body: `{"data":1}`, status: 201},
	} {
		t.Run(name, func(t *testing.T) {
			if test.channel == "" {
				test.channel = "chanX-" + strings.ReplaceAll(name, " ", "-")
			}
			status := fmt.Sprintf("HTTP/1.1 %d ", test.status)
			ask := func(address, mark string) string {
				request := fmt.Sprintf("POST /v1/channels/%s/messages HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s",
					strings.Replace(test.channel, "chanX", "chan"+mark, 1), test.head, len(test.body), test.body)
				answer := saying(t, address, request)
				for tries := 0; test.again && tries < 50 && !strings.HasPrefix(answer, status); tries++ {
					answer = saying(t, address, request)
				}
				return answer
			}
			want := ask(plain, "p")
			before := answered.Load()
			got := ask(quick, "q")
			if got != want {
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

// A node that goes away says the same to publishers on either way, and closes their connections.
func TestQuickAnswersWhileDraining(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	plain, quick, answered := n.serveTwice(t)
	a := n.newApp(t, "leaving", nil)
	body := `{"data":1,"id":"x"}`
	request := fmt.Sprintf("POST /v1/channels/a/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", a.secret, len(body), body)
	if err := n.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, want := saying(t, quick, request+request), saying(t, plain, request+request)
	if got != want || !strings.Contains(want, "503 Service Unavailable") || !strings.Contains(want, "Connection: close") {
		t.Errorf("the answer is\n%s\nand net/http's\n%s", got, want)
	}
	if answered.Load() != 1 {
		t.Errorf("the loop answered %d requests, want the first alone", answered.Load())
	}
}
