package pushnode_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAfterGzip sends what does not end with its gzip stream. Several streams are one: RFC 1952 section 2.2.
func TestAfterGzip(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	good := compressed(t, `{"data":1}`)
	for name, test := range map[string]struct{ body, says string }{
		"a byte":       {good + "x", "not one gzip stream"},
		"a line":       {good + "\n", "not one gzip stream"},
		"a word":       {good + "garbage...", "not one gzip stream"},
		"half a head":  {good + good[:5], "not one gzip stream"},
		"half another": {good + good[:len(good)-9], "the body ended early"},
		"two halves":   {compressed(t, `{"da`) + compressed(t, `ta":1}`), ""},
		"an empty one": {good + compressed(t, ""), ""},
		"cut":          {good[:len(good)-1], "the body ended early"},
	} {
		got := a.spoil(t, "publish", func(r *http.Request, _ string) {
			setBody(r, test.body)
			r.Header.Set("Content-Encoding", "gzip")
		})
		if (got.Status == http.StatusCreated) != (test.says == "") || !strings.Contains(got.Text, test.says) {
			t.Errorf("%s: got %d %s, want %q", name, got.Status, got.Text, test.says)
		}
	}
}
