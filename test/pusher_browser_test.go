package test

import (
	"bufio"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPusherLibrariesInABrowser has pusher-js and laravel-echo go through the scenarios in Chromium, as pages load them, and through some
// as they do where a network lets no WebSocket pass.
func TestPusherLibrariesInABrowser(t *testing.T) {
	t.Parallel()
	settings, b := pusherOn(t, startNode(t)), startBrowser(t)
	b.play(t, settings, scenarios(t, "scenarios"))
	for _, transport := range []string{"xhr_streaming", "xhr_polling"} {
		t.Run(transport, func(t *testing.T) {
			settings.Transports = []string{transport}
			b.play(t, settings, []string{"scenarios/public.mjs", "scenarios/presence.mjs", "scenarios/client_events.mjs", "scenarios/users.mjs"})
		})
	}
}

// play plays scenarios, each in a page of its own.
func (b *browser) play(t *testing.T, settings pusherSettings, files []string) {
	t.Helper()
	site := startSite(t, settings)
	for _, file := range files {
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
