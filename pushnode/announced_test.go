package pushnode_test

import (
	"net/http"
	"testing"
)

// TestAnnouncedTooLarge announces more than may come, and sends none of it: the refusal must not wait for that. One length is
// below the 256 KiB up to which net/http itself would read on.
func TestAnnouncedTooLarge(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	for _, operation := range mutating {
		for _, announced := range []string{"Content-Length: 200000", "Content-Length: 90000000"} {
			if operation == "publishBatch" && announced == "Content-Length: 200000" {
				continue // a batch may be as long
			}
			for name, tail := range map[string]string{
				"nothing is sent": "\r\n\r\n", "the begin is sent": "\r\n\r\n{\"data\":",
				"compressed": "\r\nContent-Encoding: gzip\r\n\r\n", "asked before": "\r\nExpect: 100-continue\r\n\r\n",
			} {
				if operation == "commands" && name == "compressed" {
					continue // refused for that
				}
				got := n.raw(t, a.sample(t, operation), announced+tail, false)
				if got.Status != http.StatusRequestEntityTooLarge || got.errorName() != "message_too_large" {
					t.Errorf("%s, %s, %s: got %d %s", operation, announced, name, got.Status, got.Text)
				}
			}
		}
	}
}
