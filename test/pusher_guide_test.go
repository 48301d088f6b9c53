package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The guide for those who move here is tried with the libraries that it is about: code for pages and for a server.
func TestPusherGuide(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	settings := pusherOn(t, n)
	settings.Guide = guideCode(t, settings)
	play(t, "journeys/guide.mjs", settings, nil)
}

// guideCode returns the first code below each heading of the guide, with the node's address and the app's credentials in place of those
// that stand there.
func guideCode(tb testing.TB, settings pusherSettings) map[string]string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(root, "web", "docs", "pusher.md"))
	if err != nil {
		tb.Fatal(err)
	}
	here := strings.NewReplacer(
		"push.example.com", settings.Nodes[0].Host, "443", strconv.Itoa(settings.Nodes[0].Port), "TLS: true", "TLS: false",
		"1234567", settings.App.ID, "app-key", settings.App.Key, "app-secret", settings.App.Secret,
	)
	code := map[string]string{}
	for _, block := range regexp.MustCompile("(?s)\n### ([^\n]+)\n[^#]*?```js\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		code[block[1]] = here.Replace(block[2])
	}
	for _, heading := range []string{"pusher-js", "Laravel Echo", "Node"} {
		if code[heading] == "" {
			tb.Fatalf("the guide has no code for %s", heading)
		}
	}
	return code
}
