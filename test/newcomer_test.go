package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"halley/test/debian"
)

// The whole job, as a newcomer does it: one browser signs up and publishes in the console, another one receives in a page, and curl
// follows the same channel by long poll, through a connection that is cut while it waits. What curl publishes with the console's own
// words arrives in both browsers.
func TestNewcomer(t *testing.T) {
	n := startNode(t)
	console := signUp(t, n)
	var snippet string
	console.do(chromedp.TextContent("#snippet-js", &snippet))
	key := regexp.MustCompile(`hl_pk_\w+`).FindString(snippet)
	if key == "" {
		t.Fatalf("no key stands in the snippet:\n%s", snippet)
	}
	receiver := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	receiver.run(`await client("bob", { key: $1 }).follow("hello")`, key)
	line := startProxy(t, n.url)
	curl := &curlPoll{tb: t, address: line.url + "/v1/poll?channel=hello&key=" + key}
	curl.answer(curl.start())

	waiting := curl.start()
	line.await(t, "/v1/poll", 2)
	line.cut()
	line.await(t, "/v1/poll", 3) // curl has tried again by itself
	console.publish(1)
	curl.want(curl.answer(waiting), 1)
	console.publish(2) // while curl does not ask
	curl.want(curl.answer(curl.start()), 2)

	console.do(chromedp.TextContent("#snippet-curl", &snippet))
	if output, err := exec.CommandContext(t.Context(), "sh", "-c", snippet).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", snippet, err, output)
	}
	curl.want(curl.answer(curl.start()), 3)
	receiver.run(`await until(() => clients.bob.log.messages.length === 3, "three messages")
		same(clients.bob.log.messages.map((m) => m.offset), [1, 2, 3], "offsets")
		same(clients.bob.log.messages[2].data, { text: "Hello from curl" }, "what curl published")`)
	console.settles(`document.querySelectorAll("[data-log] [data-id]").length === 3`)
	receiver.calm()
}

// signUp makes an account in the console and returns the page that it leads to, when it listens.
func signUp(t *testing.T, n *node) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(startBrowser(t).ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	console := &tab{tb: t, ctx: ctx}
	console.do(chromedp.Navigate(n.url+"/signup"), chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", "three horses and a comet"), chromedp.Click("button[type=submit]"),
		chromedp.WaitVisible("[data-live]"))
	console.settles(`document.querySelector("[data-live]").dataset.connected === "true"`)
	return console
}

// publish presses the console's button, and waits until it is told the offset.
func (t *tab) publish(offset int) {
	t.tb.Helper()
	t.do(chromedp.Click("#publish button[type=submit]"))
	t.settles(fmt.Sprintf(`document.querySelector("[data-result]").textContent === "Published to hello as #%d"`, offset))
}

// settles waits until an expression is true in a page, which need not be one of the tests' own.
func (t *tab) settles(expression string) {
	t.tb.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(browserPatience); time.Now().Before(end); <-ticks.C {
		var done bool
		if t.do(chromedp.Evaluate(expression, &done)); done {
			return
		}
	}
	t.tb.Fatalf("%s did not become true", expression)
}

// await waits until so many requests have come for a path.
func (p *proxy) await(tb testing.TB, path string, count int) {
	tb.Helper()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(answerPatience); p.requests(path) < count; <-ticks.C {
		if time.Now().After(end) {
			tb.Fatalf("%d requests for %s, want %d", p.requests(path), path, count)
		}
	}
}

// curlPoll follows a channel by long poll with nothing but curl and the cursor.
type curlPoll struct {
	tb      testing.TB
	address string
	cursor  string
}

// start asks once. curl tries again where the connection breaks.
func (c *curlPoll) start() (answer <-chan []byte) {
	c.tb.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if err := debian.Install("curl"); err != nil {
			c.tb.Fatalf("curl is missing: install it (Debian: apt-get install curl): %v", err)
		}
	}
	address := c.address
	if c.cursor != "" {
		address += "&wait=25s&cursor=" + url.QueryEscape(c.cursor)
	}
	ctx, cancel := context.WithTimeout(c.tb.Context(), browserPatience)
	curl := exec.CommandContext(ctx, "curl", "--silent", "--show-error", "--fail", "--retry", "5", "--retry-all-errors", address)
	answered := make(chan []byte, 1)
	go func() {
		defer cancel()
		defer close(answered)
		if output, err := curl.Output(); err != nil {
			c.tb.Errorf("curl: %v", err)
		} else {
			answered <- output
		}
	}()
	return answered
}

// answer reads an answer, and goes on from its cursor.
func (c *curlPoll) answer(answer <-chan []byte) batch {
	c.tb.Helper()
	var got batch
	text := <-answer
	if err := json.Unmarshal(text, &got); err != nil || got.Cursor == "" {
		c.tb.Fatalf("curl says %q: %v", text, err)
	}
	c.cursor = got.Cursor
	return got
}

// want fails the test where an answer is not just the message with that offset.
func (c *curlPoll) want(got batch, offset uint64) {
	c.tb.Helper()
	if len(got.Messages) != 1 || got.Messages[0].Offset != offset || len(got.Gaps) != 0 {
		c.tb.Fatalf("curl got %+v, want message %d alone", got, offset)
	}
}
