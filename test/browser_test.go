package test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"halley/test/chromium"
)

// browserPatience bounds one step of a script in a page. A browser beside a binary under the race detector takes its time.
const browserPatience = 45 * time.Second

// transports are the ways of the client, in the order in which it falls back.
var transports = [...]string{"websocket", "sse", "poll"}

// browser is a running Chromium. It ends with its test.
type browser struct {
	tb  testing.TB
	ctx context.Context
}

func startBrowser(tb testing.TB) *browser {
	tb.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium.Path(tb)),
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	tb.Cleanup(func() { cancel(); free() })
	if err := chromedp.Run(ctx); err != nil {
		tb.Fatalf("start the browser: %v", err)
	}
	return &browser{tb: tb, ctx: ctx}
}

// tab is a page with the JS client.
type tab struct {
	tb  testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of the browser about the page; guarded by mu
}

// open opens a page of the proxy that loads the client from server as a script; where module is true, as an ES module.
func (b *browser) open(tb testing.TB, site *proxy, server string, module bool) *tab {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb.Cleanup(cancel)
	t := &tab{tb: tb, ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *log.EventEntryAdded:
			t.complain(event.Entry.Text + " " + event.Entry.URL)
		case *runtime.EventExceptionThrown:
			t.complain(event.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx); err != nil { // without a deadline: the tab would end with it
		tb.Fatalf("open a tab: %v", err)
	}
	t.do(page.Enable(), chromedp.Navigate(site.url+"/page?"+url.Values{"server": {server}, "module": {fmt.Sprint(module)}}.Encode()))
	t.run(`await until(() => window.Halley, "the client")`)
	return t
}

func (t *tab) complain(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complaints = append(t.complaints, text)
}

// calm fails the test where the browser has complained of anything in the page.
func (t *tab) calm() {
	t.tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.complaints) > 0 {
		t.tb.Errorf("the browser complains: %q", t.complaints)
	}
}

// do runs actions of the browser on the page.
func (t *tab) do(actions ...chromedp.Action) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.tb.Fatal(err)
	}
}

// run runs a script in the page as the body of an async function that has the values given as $1, $2 …
func (t *tab) run(script string, values ...any) { t.tb.Helper(); t.ask(nil, script, values...) }

// ask is run, and reads what the script returns into result.
func (t *tab) ask(result any, script string, values ...any) {
	t.tb.Helper()
	given, names := make([]string, len(values)), make([]string, len(values))
	for i, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			t.tb.Fatal(err)
		}
		given[i], names[i] = string(text), fmt.Sprintf("$%d", i+1)
	}
	body := fmt.Sprintf("(async (%s) => {%s\n})(%s).then(value => JSON.stringify(value ?? null))",
		strings.Join(names, ", "), script, strings.Join(given, ", "))
	var text string
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience+5*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Evaluate(body, &text, await)); err != nil {
		t.tb.Fatalf("script: %v", err)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), result); err != nil {
		t.tb.Fatalf("the script gave %s: %v", text, err)
	}
}

// reconnect cuts the connections of clients, each by its proxy, and lets none pass until the clients have noticed. Then it waits
// until they are back. Their connections have lived for more than a second by their clock: they come back soon.
func (t *tab) reconnect(ways map[string]*proxy) {
	t.tb.Helper()
	names := slices.Collect(maps.Keys(ways))
	each := func(script string) {
		t.tb.Helper()
		t.run(`await Promise.all($1.map((name) => clients[name]).map(`+script+`))`, names)
	}
	each(`({ log }) => until(() => Date.now() - log.states.at(-1).date > 1100, "a good connection")`)
	each(`(one) => (one.before = one.lives())`)
	for _, p := range ways {
		p.shut(true)
	}
	each(`({ halley }) => until(() => halley.state !== "connected", "the end of a connection")`)
	for _, p := range ways {
		p.shut(false)
	}
	each(`({ before, lives }) => until(() => lives() > before, "a new connection")`)
}
