package host

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestForcedIsToldOnce tells of many recoveries in a line each for those that are whole and those that are not.
func TestForcedIsToldOnce(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, nil))
	var f forced
	for range 1000 {
		f.add(true)
	}
	f.add(false)
	f.log(logger)
	f.log(logger)
	if got := text.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "slots=1000") || !strings.Contains(got, "slots=1\n") {
		t.Errorf("logged %s", got)
	}
}
