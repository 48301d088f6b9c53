package chromium_test

import (
	"os/exec"
	"strings"
	"testing"

	"halley/test/chromium"
)

func TestPathIsABrowser(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), chromium.Path(t), "--version").Output()
	if err != nil || !strings.Contains(string(output), "Chrom") {
		t.Errorf("--version says %q, error %v", output, err)
	}
}
