package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// doubt is a server whose channel news is suspended when a client has subscribed, and then goes on after a break.
type doubt struct {
	subscribed chan struct{} // closed when a client has
	once       sync.Once
}

const subscribedFields = `"channel":"news","epoch":"1-0-1","offset":9,"recovered":true`

// doubts are what the client is told then, in the order of a stream: op and fields.
var doubts = [...][2]string{
	{"suspended", `"channel":"news","retry_after":1000`},
	{"subscribed", `"channel":"news","epoch":"1-1-1","offset":7,"recovered":false`},
	{"gap", `"channel":"news","reason":"continuity_uncertain","epoch":"1-1-1","offset":7`},
	{"message", `"channel":"news","event":"message","data":"after it","id":"x","epoch":"1-1-1","offset":8,"timestamp":1795458123456`},
}

// ServeHTTP serves each transport.
func (d *doubt) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	switch _, transport, _ := strings.Cut(r.URL.Path, "/v1/"); {
	case r.Method == http.MethodOptions:
	case transport == "ws":
		d.serveSocket(w, r)
	case transport == "commands":
		d.serveCommands(w, r)
	case transport == "sse":
		fmt.Fprintf(w, "event: connected\ndata: {%s}\n\n", connectedPush)
		w.(http.Flusher).Flush()
		d.await(r)
		for _, push := range doubts {
			fmt.Fprintf(w, "event: %s\ndata: {%s}\n\n", push[0], push[1])
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case r.FormValue("session") == "new":
		fmt.Fprintf(w, `{"cursor":"","messages":[],"gaps":[],"connected":{%s}}`, connectedPush)
	case strings.HasPrefix(r.FormValue("cursor"), "news*1-0-1:"): // a poll from before the subscription is given up by the client
		fmt.Fprintf(w, `{"cursor":"news*1-1-1:8","pushes":[{"op":"suspended",%s},{"op":"subscribed",%s}],"gaps":[{%s}],"messages":[{%s}]}`,
			doubts[0][1], doubts[1][1], doubts[2][1], doubts[3][1])
	default:
		<-r.Context().Done()
	}
}

func (d *doubt) await(r *http.Request) {
	select {
	case <-d.subscribed:
	case <-r.Context().Done():
	}
}

// wish is a command of a client.
type wish struct {
	Op  string `json:"op"`
	Ref int    `json:"ref"`
}

// answer is what it is answered.
func (c wish) answer() string {
	switch c.Op {
	case "connect":
		return fmt.Sprintf(`{%s,"ref":%d}`, connectedPush, c.Ref)
	default:
		return fmt.Sprintf(`{"op":"ok","ref":%d,%s}`, c.Ref, subscribedFields)
	}
}

func (d *doubt) serveCommands(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Commands []wish `json:"commands"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var replies []string
	for _, one := range body.Commands {
		replies = append(replies, one.answer())
	}
	fmt.Fprintf(w, `{"replies":[%s]}`, strings.Join(replies, ","))
	w.(http.Flusher).Flush()
	d.once.Do(func() { close(d.subscribed) })
}

func (d *doubt) serveSocket(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // the client sees that nothing came of it, and the test fails
	}
	defer socket.CloseNow()
	for {
		_, text, err := socket.Read(r.Context())
		var got wish
		if err != nil || json.Unmarshal(text, &got) != nil {
			return
		}
		_ = socket.Write(r.Context(), websocket.MessageText, []byte(got.answer()))
		if got.Op != "subscribe" {
			continue
		}
		for _, push := range doubts {
			_ = socket.Write(r.Context(), websocket.MessageText, fmt.Appendf(nil, `{"op":%q,%s}`, push[0], push[1]))
		}
	}
}

// Over each transport a page is told that its channel is suspended, that it goes on and what may be missing, in this order and before what
// comes next; and it goes on from there.
func TestBrowserIsToldOfDoubts(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			server := httptest.NewServer(&doubt{subscribed: make(chan struct{})})
			defer server.Close()
			page.tb = t
			page.run(`
				const { halley, log } = client($1, { key: "x", url: $2, transports: [$1] })
				const news = halley.channel("news")
				const told = []
				news.on("suspended", () => told.push("suspended"))
				news.on("subscribed", ({ recovered }) => recovered || told.push("goes on"))
				halley.on("gap", ({ reason }) => told.push(reason))
				news.subscribe(({ data }) => told.push(data))
				await until(() => told.includes("after it"), "what comes next")
				same(told, ["suspended", "goes on", "continuity_uncertain", "after it"], "what is told")
				same([news.position, log.errors], ["1-1-1:8", []], "position and errors")
				halley.close()`, transport, server.URL)
		})
	}
}
