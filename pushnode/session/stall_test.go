package session_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// stalled opens a WebSocket that follows news, with room for about ten messages, and does not read. Pipes hold nothing back:
// the first message is stuck in the write.
func stalled(t *testing.T, policy channel.Policy, retention int) (*house, *socket) {
	t.Helper()
	h := open(t, func(c *sessionConfig, n *node) {
		c.QueueMessages = 10
		n.rule.Policy = policy
		n.rule.Retention.Messages = retention
	})
	s, _ := h.login("")
	s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
	synctest.Wait()
	h.publish(t, "news", "0") // in the write
	synctest.Wait()
	return h, s
}

func (h *house) publishMany(from, to int) {
	h.tb.Helper()
	for i := from; i <= to; i++ {
		h.publish(h.tb, "news", fmt.Sprint(i))
	}
	synctest.Wait()
}

func TestStalledReaderResumesFromHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyResume, 100)
		h.publishMany(1, 60)
		if queued, full := h.congestion(channel.ID{App: testApp, Name: "news"}); !full || queued == 0 {
			t.Errorf("congestion is %d, %v", queued, full)
		}
		if got := h.metric("halley_session_queue_bytes", ""); got == 0 || got > 12*200 {
			t.Errorf("%v bytes wait", got)
		}
		for i := range 61 {
			s.wantMessage(fmt.Sprint(i))
		}
		h.publishMany(61, 61)
		s.wantMessage("61")
		if _, full := h.congestion(channel.ID{App: testApp, Name: "news"}); full {
			t.Error("still congested")
		}
		if got := h.metric("halley_session_overflows_total", ""); got != 1 {
			t.Errorf("%v overflows counted, want 1", got)
		}
	})
}

func TestStalledReaderIsToldWhatHistoryLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyResume, 5)
		h.publishMany(1, 60)
		for i := range 11 { // the one in the write and ten in the queue
			s.wantMessage(fmt.Sprint(i))
		}
		gap := s.want("gap")
		if gap.text("reason") != "slow_consumer" || gap.number("from") != 12 || gap.number("to") != 56 {
			t.Errorf("got %v", gap)
		}
		for i := 56; i <= 60; i++ {
			s.wantMessage(fmt.Sprint(i))
		}
		h.publishMany(61, 61)
		s.wantMessage("61")
	})
}

// A stream that does not read is told what it missed as a socket is, and its cursor stands behind that.
func TestStalledStreamIsToldWhatHistoryLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, n *node) {
			c.QueueMessages = 10
			n.rule.Retention.Messages = 5
		})
		s, _ := h.follow("&channel=news", "")
		s.want("subscribed")
		synctest.Wait()
		h.publish(t, "news", "0") // in the write
		synctest.Wait()
		h.publishMany(1, 60)
		last := int64(0)
		for one := s.want("message"); ; one = s.want("message") {
			if last++; one.data.number("offset") != last {
				t.Fatalf("got offset %v where %d was due", one.data, last)
			}
			if last == 11 {
				break
			}
		}
		gap := s.want("gap")
		if gap.data.text("reason") != "slow_consumer" || gap.data.number("from") != 12 || gap.data.number("to") != 56 || gap.id != "7-0-1:56" {
			t.Errorf("got %v", gap)
		}
		for i := 56; i <= 60; i++ {
			s.wantMessage(fmt.Sprint(i))
		}
	})
}

func TestStalledReaderBlocksPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyBlock, 100)
		publisher, _ := h.login("")
		refused := 0
		for i := 1; i <= 20; i++ {
			publisher.send(fmt.Sprintf(`{"op":"publish","ref":%d,"channel":"news","data":"%d"}`, i, i))
			if answer := publisher.next(); answer.code() == 4324 {
				refused++
			}
			synctest.Wait()
		}
		if refused != 9 { // ten in the queue, one that found it full
			t.Errorf("%d publications were refused, want 9", refused)
		}
		for i := range 12 {
			s.wantMessage(fmt.Sprint(i))
		}
		synctest.Wait()
		publisher.ask(`{"op":"publish","ref":30,"channel":"news","data":"30"}`)
		s.wantMessage("30")
	})
}

// Who catches up so slowly that history might lose what it misses blocks publishers too.
func TestLateSubscriberBlocksPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.rule.Policy = channel.PolicyBlock
			n.rule.Retention.Messages = 10
		})
		h.publishMany(1, 10)
		publisher, _ := h.login("")
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","rewind":8}`)
		synctest.Wait()
		publisher.send(`{"op":"publish","ref":1,"channel":"news","data":"11"}`)
		if answer := publisher.next(); answer.code() != 4324 {
			t.Errorf("answered %v", answer)
		}
		for _, text := range []string{"3", "4", "5", "6", "7", "8", "9", "10"} {
			s.wantMessage(text)
		}
		synctest.Wait()
		publisher.ask(`{"op":"publish","ref":2,"channel":"news","data":"11"}`)
		s.wantMessage("11")
	})
}

func TestStalledReaderKeepsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyLatest, 100)
		h.publishMany(1, 60)
		s.wantMessage("0")
		last := ""
		for last != "60" {
			message := s.want("message")
			last = message.text("data")
		}
		h.publishMany(61, 61)
		s.wantMessage("61")
		if got := h.metric("halley_session_drops_total", "latest"); got == 0 {
			t.Error("no replacement was counted")
		}
	})
}

func TestStalledReaderLosesAndIsToldHowMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyLossy, 100)
		h.publishMany(1, 60)
		s.wantMessage("0")
		dropped, received := int64(0), 0
		for last := ""; last != "60"; {
			frame := s.next()
			if frame.text("op") == "dropped" {
				dropped += frame.number("count")
				continue
			}
			last = frame.text("data")
			received++
		}
		if int(dropped)+received != 60 || received == 0 || dropped == 0 {
			t.Errorf("%d were received and %d told dropped, of 60", received, dropped)
		}
		h.publishMany(61, 61)
		s.wantMessage("61")
	})
}

// A client that takes nothing for ten seconds while there is something to send loses its connection, and nothing else.
func TestSlowReaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.publish(t, "news", strings.Repeat("x", 10<<10))
		pass(11 * time.Second)
		if got := h.metric("halley_session_closes_total", "4110"); got != 0 {
			// the reader may still be in its linger
			t.Logf("closed %v", got)
		}
		pass(3 * time.Second)
		if got := h.metric("halley_session_closes_total", "4110"); got != 1 {
			t.Fatalf("%v connections were closed as slow, want 1", got)
		}
		back, _ := h.login("&session=" + connected.text("resume") + "&cursor=" + escape("news*7-0-1:0"))
		if sub := back.want("subscribed"); sub["recovered"] != true {
			t.Errorf("got %v", sub)
		}
		back.want("message")
	})
}

// A hole in what is delivered, as after a broken link between nodes, is filled from history.
func TestHoleIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.set(func() { h.lose = losesOne() })
		h.publishMany(1, 3)
		for _, text := range []string{"1", "2", "3"} {
			s.wantMessage(text)
		}
		if got := h.metric("halley_session_holes_total", ""); got != 1 {
			t.Errorf("%v holes counted, want 1", got)
		}
	})
}

// While a history cannot be read the client is told so, once; then it goes on without loss.
func TestSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.set(func() {
			h.lose = losesOne()
			h.failing = errDown
		})
		h.publishMany(1, 2)
		if told := s.want("suspended"); told.text("channel") != "news" || told.number("retry_after") == 0 {
			t.Errorf("got %v", told)
		}
		pass(20 * time.Second)
		h.set(func() { h.failing = nil })
		if told := s.want("subscribed"); told["recovered"] != true || told.number("offset") != 0 {
			t.Errorf("where it goes on is told as %v", told)
		}
		s.wantMessage("1")
		s.wantMessage("2")
		h.publishMany(3, 3)
		s.wantMessage("3")
	})
}

// A client that asks and does not read is not asked for more, and costs no more than its queue.
func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.QueueMessages = 5 })
		s, _ := h.login("")
		sent := make(chan int, 1)
		go func() {
			for i := 1; ; i++ {
				if err := s.conn.Write(t0(), 1, []byte(`{"op":"ping","ref":1}`)); err != nil {
					sent <- i
					return
				}
			}
		}()
		pass(5 * time.Second)
		if got := h.metric("halley_session_commands_total", "ping"); got == 0 || got > 10 {
			t.Errorf("%v commands were done", got)
		}
		s.hangUp()
		<-sent
	})
}
