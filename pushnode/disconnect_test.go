package pushnode_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestSessionsToDisconnect are those that cannot be named so.
func TestSessionsToDisconnect(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	for query, want := range map[string][2]string{
		"":                                     {"missing_field", "give client_id or session"},
		"?client_id=bob&session=x":             {"invalid_field", "give one of the two"},
		"?client_id=" + accents(129):           {"invalid_field", "client_id"},
		"?session=" + strings.Repeat("a", 129): {"invalid_field", "session"},
		"?client_id=" + accents(128):           {"", `"disconnected"`},
	} {
		got := a.call(t, http.MethodDelete, "/v1/sessions"+query, "")
		if got.errorName() != want[0] || !strings.Contains(got.Text, want[1]) {
			t.Errorf("%.40s: got %d %s, want %q", query, got.Status, got.Text, want)
		}
	}
}
