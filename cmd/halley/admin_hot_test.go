package main

import (
	"strings"
	"testing"
)

// TestAdminHot shows the operator what a node is busy with.
func TestAdminHot(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	app := n.createApp()
	secret := []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_URL=http://" + n.public}
	if got := halley(t, secret, "publish", "news", `1`); got.code != exitOK {
		t.Fatalf("publish: %+v", got)
	}
	got := halley(t, nil, "admin", "hot", "--admin-listen", n.admin, "--by", "publishes")
	if !strings.Contains(got.stdout, `"app":"`+app.AppID+`","channel":"news"`) || !strings.Contains(got.stdout, `"missing":0`) || got.code != exitOK {
		t.Errorf("hot: %+v", got)
	}
	for reason, arguments := range map[string][]string{
		"400 Bad Request": {"--admin-listen", n.admin, "--limit", "101"}, "refused": {"--admin-listen", freeAddress(t)}, "has none": {"--admin-listen", "off"},
	} {
		if got := halley(t, nil, append([]string{"admin", "hot"}, arguments...)...); got.code != exitFailure || !strings.Contains(got.stderr, reason) {
			t.Errorf("%v: %+v, want %q", arguments, got, reason)
		}
	}
	if got := execute("admin", "hot", "--by", "colour"); got.code != exitUsage {
		t.Errorf("by colour: %+v", got)
	}
}
