package link_test

import (
	"strings"
	"testing"

	"halley/pushnode/cluster/link"
)

// A peer that takes nothing is suspended at the bound of the queue, and both sides know.
func TestAFullQueueSuspendsThePeer(t *testing.T) {
	for _, class := range []link.Class{link.Control, link.Data, link.Bulk} {
		t.Run(class.String(), func(t *testing.T) {
			release := make(chan struct{})
			small := func(c *link.Config) { c.ControlBytes, c.DataBytes, c.BulkBytes = 1<<20, 1<<20, 1<<20 }
			a := start(t, 1, small)
			b := start(t, 2, func(c *link.Config) {
				note := c.Receive
				c.Receive = func(from uint64, class link.Class, frame []byte) {
					<-release
					note(from, class, frame[:1])
				}
			})
			join(a, 1, b, 2)
			sent, size := 0, 64<<10
			for a.Send(2, class, []byte(strings.Repeat("x", size))) {
				if sent++; sent*size > 1<<30 {
					t.Fatal("the queue is never full")
				}
			}
			a.wants(down(2, link.Suspended))
			close(release)
			for frames := 0; ; frames++ {
				e := b.next()
				if e.name == "frame" {
					continue
				}
				// What jams control jams the word of why as well.
				if e != down(1, link.Suspended) && (class != link.Control || e != down(1, link.Reset)) {
					t.Errorf("got %+v", e)
				}
				if frames > sent {
					t.Errorf("%d frames came, %d were queued", frames, sent)
				}
				break
			}
			a.until(up(2))
		})
	}
}

func TestAFrameTooLongEndsTheLink(t *testing.T) {
	a, b := start(t, 1), start(t, 2)
	join(a, 1, b, 2)
	if !a.Send(2, link.Data, make([]byte, link.Data.MaxFrame())) || !a.Send(2, link.Bulk, make([]byte, link.Bulk.MaxFrame())) {
		t.Error("the longest frame is not queued")
	}
	for range 2 {
		if e := b.next(); e.name != "frame" || len(e.frame) != e.class.MaxFrame() {
			t.Errorf("got %s of %d bytes in %v", e.name, len(e.frame), e.class)
		}
	}
	if a.Send(2, link.Data, make([]byte, link.Data.MaxFrame()+1)) {
		t.Error("a frame above the limit is queued")
	}
	a.wants(down(2, link.Suspended))
	b.wants(down(1, link.Suspended))
}

func TestAPanicEndsTheLinkAlone(t *testing.T) {
	a := start(t, 1)
	b := start(t, 2, func(c *link.Config) {
		note := c.Receive
		c.Receive = func(from uint64, class link.Class, frame []byte) {
			if string(frame) == "panic" {
				panic("on purpose")
			}
			note(from, class, frame)
		}
	})
	join(a, 1, b, 2)
	a.Send(2, link.Data, []byte("panic"))
	b.wants(down(1, link.Damaged))
	a.wants(down(2, link.Damaged))
	a.wants(up(2))
	b.wants(up(1))
	a.Send(2, link.Data, []byte("well"))
	b.wants(frame(1, link.Data, "well"))
}

// Each side's callbacks may use the mesh.
func TestCallbacksMayCallTheMesh(t *testing.T) {
	var a *testNode
	ready := make(chan struct{})
	a = start(t, 1, func(c *link.Config) {
		note := c.Up
		c.Up = func(peer uint64) {
			<-ready
			if !a.Send(peer, link.Control, []byte("hello")) {
				t.Error("Send in Up is refused")
			}
			note(peer)
		}
		gone := c.Down
		c.Down = func(peer uint64, why link.Reason) {
			if a.Send(peer, link.Control, nil) {
				t.Error("Send in Down is taken")
			}
			a.SetPeers(nil)
			gone(peer, why)
		}
	})
	close(ready)
	b := start(t, 2)
	join(a, 1, b, 2)
	b.wants(frame(1, link.Control, "hello"))
	b.SetPeers(nil)
	a.wants(down(2, link.Dropped))
}
