package npm_test

import (
	"os/exec"
	"strings"
	"testing"

	"halley/test/npm"
)

func TestNodeIsNode(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), npm.Node(t), "--version").Output()
	if err != nil || !strings.HasPrefix(string(output), "v") {
		t.Errorf("--version says %q, error %v", output, err)
	}
}

// What is installed can be loaded, at the version that is pinned.
func TestInstallBringsWhatIsPinned(t *testing.T) {
	const folder = "../pusher"
	npm.Install(t, folder)
	npm.Install(t, folder) // the second time it is there
	cmd := exec.CommandContext(t.Context(), npm.Node(t), "-p", `new (require("pusher"))({ appId: "1", key: "k", secret: "s", cluster: "c" }).config.appId`)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != "1" {
		t.Errorf("the package says %q, error %v", output, err)
	}
}
