// Package chromium finds the browser that tests drive.
//
// It does not start it: chromedp does. Start at Path.
package chromium

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"halley/test/debian"
)

// Variable names the environment variable that holds the browser's path where it should not be looked for.
const Variable = "HALLEY_TEST_CHROMIUM"

// Path returns the path of Chromium or Chrome: $HALLEY_TEST_CHROMIUM, else the first on PATH, else that of Debian's package, which
// is installed where apt-get and root allow. Otherwise the test fails with a line that says what to do. A root process must start
// the browser without its sandbox.
func Path(tb testing.TB) string {
	tb.Helper()
	path, err := find()
	if err != nil {
		tb.Fatalf("chromium: %v", err)
	}
	return path
}

// find looks once per process.
var find = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		path, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("$%s: %w", Variable, err)
		}
		return path, nil
	}
	if path, err := onPath(); err == nil {
		return path, nil
	}
	if err := debian.Install("chromium"); err != nil {
		return "", fmt.Errorf("no browser: install Chromium (Debian: apt-get install chromium) or set %s to its path: %w", Variable, err)
	}
	return onPath()
})

// onPath returns the first browser on PATH.
func onPath() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium, chromium-browser, google-chrome or chrome on PATH")
}
