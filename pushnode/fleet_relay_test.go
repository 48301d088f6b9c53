package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestLargeAnswersBetweenNodes has one node answer several clients of another at once with pages of history: more than a link takes at a time.
// They wait for each other; a link that ended of it would end what every other app has going between the two nodes.
func TestLargeAnswersBetweenNodes(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		r.on(f.nodes[0]).publishMany(t, "room", 40, `"`+strings.Repeat("x", 30_000)+`"`)
		session := guests["long poll"](t, r, f.nodes[0], nil).resume
		pages := strings.Repeat(`,{"op":"history","ref":2,"channel":"room","limit":100}`, 8)
		body := fmt.Sprintf(`{"session":%q,"commands":[{"op":"ping","ref":1}%s]}`, session, pages)
		var answers []<-chan int
		for range 6 {
			answers = append(answers, inBackground(t, func() int {
				got := f.nodes[1].call(t, http.MethodPost, "/v1/commands", body, "Bearer "+r.token)
				if len(got.Text) < 4<<20 {
					t.Errorf("an answer of %d bytes: the test asks for too little", len(got.Text))
				}
				return got.Status
			}))
		}
		for i, answer := range answers {
			if status := <-answer; status != http.StatusOK {
				t.Errorf("client %d: %d", i, status)
			}
		}
	})
}
