package web_test

import (
	"context"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"halley/test/chromium"
	"halley/web"
)

// TestDocsInABrowser lays out every page at the widths of a phone, a tablet and a desk: nothing may be wider than the window, and
// nothing that the browser complains of may stand in a page, such as what the security policy forbids.
func TestDocsInABrowser(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(web.Docs())
	defer server.Close()
	ctx, cancel := browser(t)
	defer cancel()
	complaints := make(chan string, 64)
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *log.EventEntryAdded:
			complaints <- event.Entry.Text
		case *runtime.EventExceptionThrown:
			complaints <- event.ExceptionDetails.Text
		}
	})
	pages := []string{
		"", "/publishing", "/receiving", "/tokens", "/presence", "/client", "/api", "/protocol", "/errors", "/limits", "/running",
		"/benchmarks",
	}
	for _, width := range []int64{320, 768, 1280} {
		for _, page := range pages {
			var wide []string
			err := chromedp.Run(ctx,
				chromedp.EmulateViewport(width, 900),
				chromedp.Navigate(server.URL+"/docs"+page),
				chromedp.WaitVisible("h1", chromedp.ByQuery),
				chromedp.Evaluate(widerThanWindow, &wide),
			)
			if err != nil {
				t.Fatalf("/docs%s at %d: %v", page, width, err)
			}
			if len(wide) > 0 {
				t.Errorf("/docs%s at %d px: wider than the window: %q", page, width, slices.Compact(wide))
			}
		}
	}
	for len(complaints) > 0 {
		t.Errorf("the browser complains: %s", <-complaints)
	}
}

// widerThanWindow lists what sticks out and does not stand in something that scrolls by itself.
const widerThanWindow = `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
	.filter(e => !e.closest("pre, table") && e.getBoundingClientRect().right > innerWidth)
	.map(e => e.outerHTML.slice(0, 120)).concat("the page")`

func browser(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium.Path(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	limited, stop := context.WithTimeout(t.Context(), time.Minute)
	allocator, free := chromedp.NewExecAllocator(limited, options...)
	ctx, cancel := chromedp.NewContext(allocator)
	return ctx, func() { cancel(); free(); stop() }
}
