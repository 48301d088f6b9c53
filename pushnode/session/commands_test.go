package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
)

// A session's next poll may have the record before the commands of the one before are done. That is no reason to refuse them.
func TestCommandsWhileTheNextPollAttaches(t *testing.T) {
	for name, command := range map[string]string{
		"enter":     `{"op":"enter","ref":1,"channel":"room","data":1}`,
		"subscribe": `{"op":"subscribe","ref":1,"channel":"room"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				first := h.poll("session=new&channel=news")
				resume := object(first["connected"].(map[string]any)).text("resume")
				attached, goOn := make(chan struct{}), make(chan struct{})
				h.set(func() {
					h.after = once("attach", func() {
						close(attached)
						<-goOn
					})
				})
				polled := make(chan object, 1)
				go func() { polled <- h.poll("wait=0s&session=" + resume) }()
				<-attached
				answered := make(chan []object, 1)
				go func() {
					_, replies := h.say(resume, command)
					answered <- replies
				}()
				synctest.Wait()
				close(goOn)
				if answer := <-polled; answer["connected"] == nil {
					t.Errorf("the poll was answered %v", answer)
				}
				if replies := <-answered; len(replies) != 1 || replies[0].text("op") != "ok" {
					t.Errorf("the command was answered %v", replies)
				}
			})
		})
	}
}

// Who subscribes again, since the first answer was lost, is told where the stream begins: not further, or what the stream brings after
// the answer would seem known.
func TestSecondSubscribeIsNotAheadOfTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		stream, connected := h.follow("&session=new", "")
		resume := connected.data.text("resume")
		h.publish(t, "news", "before")
		h.say(resume, `{"op":"subscribe","ref":1,"channel":"news"}`) // the answer is lost
		h.publish(t, "news", "one")
		_, replies := h.say(resume, `{"op":"subscribe","ref":2,"channel":"news"}`)
		if replies[0].number("offset") != 1 || replies[0]["recovered"] != true {
			t.Errorf("subscribed at %v, want 1", replies[0])
		}
		stream.wantMessage("one")
	})
}

// Commands that wait for their turn while their session moves to another node are for that one: their client is told to try again, and not
// that there is no such session.
func TestCommandsWhileTheSessionMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		_, connected := h.follow("&session=new", "")
		resume := connected.data.text("resume")
		reading, goOn := make(chan struct{}), make(chan struct{})
		h.set(func() {
			h.after = once("backlog busy", func() {
				close(reading)
				<-goOn
			})
		})
		statuses := make(chan int, 2)
		say := func(command string) {
			status, _ := h.say(resume, command)
			statuses <- status
		}
		go say(`{"op":"subscribe","ref":1,"channel":"busy"}`)
		<-reading
		h.server.Moved(testApp, connected.data.text("session"), 99)
		synctest.Wait()
		go say(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		close(goOn)
		for range 2 {
			if status := <-statuses; status != http.StatusServiceUnavailable {
				t.Errorf("the commands were answered with status %d, want %d", status, http.StatusServiceUnavailable)
			}
		}
	})
}
