package test

import (
	"bufio"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPusherLibrariesInABrowser has pusher-js and laravel-echo go through the scenarios in Chromium, as pages load them.
func TestPusherLibrariesInABrowser(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	site := startSite(t, pusherOn(t, n))
	b := startBrowser(t)
	for _, file := range scenarios(t, "scenarios") {
		t.Run(scenarioName(file), func(t *testing.T) {
			page := b.visit(t, site+"/page.html")
			page.run(`
				for (const end = Date.now() + 30000; !window.play && Date.now() < end; ) await new Promise((done) => setTimeout(done, 10))
				await play($1)`, filepath.ToSlash(file))
		})
	}
}

// visit opens a page in a tab of its own.
func (b *browser) visit(tb testing.TB, address string) *tab {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb.Cleanup(cancel)
	t := &tab{tb: tb, ctx: ctx}
	if err := chromedp.Run(ctx); err != nil {
		tb.Fatalf("open a tab: %v", err)
	}
	t.do(chromedp.Navigate(address))
	return t
}

// startSite starts the site of the app's owner, which ends with the test, and returns its address.
func startSite(tb testing.TB, settings pusherSettings) string {
	tb.Helper()
	cmd, stderr := pusherCommand(tb, settings, "site.mjs")
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		tb.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	tb.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the site: %v\n%s", err, stderr)
		}
	})
	if err != nil {
		tb.Fatalf("the site has no address: %v\n%s", err, stderr)
	}
	return strings.TrimSpace(address)
}
