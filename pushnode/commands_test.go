package pushnode_test

import (
	"fmt"
	"net/http"
	"testing"

	"halley/auth"
	"halley/tenant"
)

// What a key allowed ends with it, also for the commands of a session that it opened.
func TestCommandsWithoutARevokedGrant(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	poll := a.call(t, http.MethodGet, "/v1/poll?session=new&channel=news&wait=0s", "")
	connected, _ := poll.JSON["connected"].(map[string]any)
	command := fmt.Sprintf(`{"session":%q,"commands":[{"op":"publish","ref":1,"channel":"news","data":1}]}`, connected["resume"])

	scope := n.Store.OperatorScope(a.account, tenant.Client{})
	for _, key := range must(n.Store.Keys(t.Context(), scope, a.id))(t) {
		if key.Kind == auth.KindSecret {
			if err := n.Store.RevokeKey(t.Context(), scope, a.id, key.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !until(func() bool { return a.call(t, http.MethodGet, "/v1/usage", "").Status == http.StatusUnauthorized }) {
		t.Fatal("the key is not revoked")
	}
	got := n.call(t, http.MethodPost, "/v1/commands", command, "Bearer "+a.publishable)
	replies, _ := got.JSON["replies"].([]any)
	if len(replies) == 1 && replies[0].(map[string]any)["op"] == "ok" {
		t.Errorf("a publishable key, which may not publish, published by the rights of a revoked secret key: %s", got.Text)
	}
}
