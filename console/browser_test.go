package console_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"halley/test/chromium"
)

// browserPatience bounds a whole browser test.
const browserPatience = 2 * time.Minute

// browser is a real Chromium with one tab.
type browser struct {
	tb  testing.TB
	ctx context.Context

	mu       sync.Mutex
	trouble  []string // what the browser's own log complains about
	expected []string // complaints that a test expects
}

func newBrowser(tb testing.TB) *browser {
	tb.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium.Path(tb)),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserPatience)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	tb.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end; when it has crashed there is nothing to wait for
		closeTab()
		stop()
		cancel()
	})
	b := &browser{tb: tb, ctx: ctx}
	chromedp.ListenTarget(ctx, b.listen)
	b.run(network.Enable(), runtime.Enable(), log.Enable())
	return b
}

// listen collects errors, refused content and exceptions.
func (b *browser) listen(event any) {
	var text string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level != log.LevelError && e.Entry.Level != log.LevelWarning {
			return
		}
		text = e.Entry.Text + " " + e.Entry.URL
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.APITypeError && e.Type != runtime.APITypeWarning && e.Type != runtime.APITypeAssert {
			return
		}
		for _, argument := range e.Args {
			text += string(argument.Value) + " " + argument.Description
		}
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, expected := range b.expected {
		if strings.Contains(text, expected) {
			return
		}
	}
	b.trouble = append(b.trouble, text)
}

// expect leaves a complaint out of what quiet fails for.
func (b *browser) expect(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, text)
}

// quiet fails the test when the browser complained about anything.
func (b *browser) quiet() {
	b.tb.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.trouble {
		b.tb.Errorf("the browser says: %s", text)
	}
	b.trouble = nil
}

func (b *browser) run(actions ...chromedp.Action) {
	b.tb.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.tb.Fatal(err)
	}
}

// open goes to a page and waits for it.
func (b *browser) open(address string) {
	b.tb.Helper()
	b.run(chromedp.Navigate(address))
}

// eval runs an expression in the page and returns its value.
func eval[T any](b *browser, expression string) (value T) {
	b.tb.Helper()
	b.run(chromedp.Evaluate(expression, &value))
	return value
}

// until evaluates an expression again and again until it is true, across changes of page, and fails after ten seconds.
func (b *browser) until(expression string) {
	b.tb.Helper()
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		var done bool
		if err = chromedp.Run(b.ctx, chromedp.Evaluate(expression, &done)); err == nil && done {
			return
		}
	}
	var text string
	_ = chromedp.Run(b.ctx, chromedp.Evaluate(`location.pathname + ": " + document.body.innerText.slice(0, 600)`, &text))
	b.tb.Fatalf("%s did not become true: %v\n%s", expression, err, text)
}

// size sets the size of the window and the colour scheme.
func (b *browser) size(width int64, scheme string) {
	b.tb.Helper()
	b.run(emulation.SetDeviceMetricsOverride(width, 800, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

// logIn gives the browser the session of a visitor.
func (b *browser) logIn(v *visitor) {
	b.tb.Helper()
	cookie := &network.CookieParam{Name: "halley_session", Value: v.cookie(), URL: v.house.url, HTTPOnly: true}
	b.run(storage.SetCookies([]*network.CookieParam{cookie}))
}

// shoot keeps a screenshot where HALLEY_TEST_SHOTS says so.
func (b *browser) shoot(name string) {
	b.tb.Helper()
	folder := os.Getenv("HALLEY_TEST_SHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	b.run(chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(fmt.Sprintf("%s/%s.png", folder, name), picture, 0o644); err != nil {
		b.tb.Fatal(err)
	}
}
