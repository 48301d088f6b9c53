package link_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster/link"
)

func TestAFrozenPeerIsSilentAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := start(t, 2, network.node), start(t, 1, network.node)
		join(a, 2, b, 1)
		time.Sleep(10 * time.Second) // heartbeats keep an idle link
		frozen := time.Now()
		thaw := network.freeze(t, 1)
		a.wants(down(1, link.Silent))
		if after := time.Since(frozen); after < 800*time.Millisecond || after > 1100*time.Millisecond {
			t.Errorf("silent after %v", after)
		}
		a.wants(down(1, link.Unreachable)) // the kernel of a stopped process takes connections, and no hello is answered
		thaw()
		a.wants(up(1))
		b.until(up(2))
		time.Sleep(10 * time.Second)
		a.Close()
		a.wants(down(1, link.Left)) // and nothing before it: the link held
	})
}

// The other connections are judged too, if more slowly.
func TestAStalledConnectionIsSilent(t *testing.T) {
	for _, class := range []link.Class{link.Data, link.Bulk} {
		t.Run(class.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				b := start(t, 1, network.node)
				time.Sleep(50 * time.Millisecond) // so it is a that has patience no longer, for its peer's heartbeats are the earlier ones
				a := start(t, 2, network.node)
				join(a, 2, b, 1)
				time.Sleep(10*time.Second + 300*time.Millisecond)
				network.stall(t, 1, class)
				stalled := time.Now()
				a.wants(down(1, link.Silent))
				if after := time.Since(stalled); after < 4*time.Second || after > 5100*time.Millisecond {
					t.Errorf("silent after %v", after)
				}
			})
		})
	}
}

func TestAKillIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := start(t, 2, network.node), start(t, 1, network.node)
		join(a, 2, b, 1)
		time.Sleep(time.Minute) // a link that has held is redialled at once
		network.kill(1)
		killed := time.Now()
		a.wants(down(1, link.Reset))
		a.wants(down(1, link.Refused))
		if after := time.Since(killed); after != 0 {
			t.Errorf("seen after %v", after)
		}
	})
}

// When this process slept, its peers' heartbeats wait in its sockets.
func TestOwnSleepIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := start(t, 2, network.node), start(t, 1, network.node)
		join(a, 2, b, 1)
		woken := a.Now() + 30*time.Second
		a.Judge(woken, 30*time.Second)
		a.Judge(woken+500*time.Millisecond, 50*time.Millisecond)
		synctest.Wait() // what was given up would be down by now
		if !a.Send(1, link.Data, []byte("awake")) {
			t.Fatalf("the link is given up: %s", a.all())
		}
		b.wants(frame(2, link.Data, "awake"))
		a.Judge(woken+31*time.Second, 50*time.Millisecond)
		a.wants(down(1, link.Silent))
	})
}

// A receiver that is slow is not deaf: it will read what waits.
func TestASlowReceiverHearsItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := start(t, 2, network.node)
		b := start(t, 1, network.node, func(c *link.Config) {
			note := c.Receive
			c.Receive = func(from uint64, class link.Class, frame []byte) {
				time.Sleep(8 * time.Second)
				note(from, class, frame)
			}
		})
		join(a, 2, b, 1)
		a.Send(1, link.Control, []byte("slow"))
		b.wants(frame(2, link.Control, "slow"))
		b.Send(2, link.Control, []byte("here"))
		a.wants(frame(1, link.Control, "here")) // and no Down before it
	})
}

// Down is the last word on a link, even where a receiver takes its time.
func TestDownWaitsForReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		release := make(chan struct{})
		a := start(t, 2, network.node)
		b := start(t, 1, network.node, func(c *link.Config) {
			note := c.Receive
			c.Receive = func(from uint64, class link.Class, frame []byte) {
				<-release
				note(from, class, frame)
			}
		})
		join(a, 2, b, 1)
		a.Send(1, link.Data, []byte("last"))
		synctest.Wait()
		a.SetPeers(nil)
		a.wants(down(1, link.Dropped))
		time.Sleep(time.Minute)
		close(release)
		b.wants(frame(2, link.Data, "last"))
		b.wants(down(2, link.Dropped))
	})
}

func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := start(t, 2, network.node)
		a.SetPeers([]link.Peer{{Instance: 1, Address: pipeAddress(1)}})
		a.wants(down(1, link.Refused))
		time.Sleep(time.Minute)
		dials := network.dials()
		for i := 1; i < len(dials); i++ {
			pause := dials[i].Sub(dials[i-1])
			limit := min(50*time.Millisecond<<min(i-1, 10), time.Second)
			if pause < limit/2 || pause > limit {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, limit/2, limit)
			}
		}
		if len(dials) < 60 || len(dials) > 130 {
			t.Errorf("%d attempts in a minute", len(dials))
		}
	})
}

// A node that joins is linked to as soon as both know each other, whoever knows first.
func TestTheLaterOfTwoMeetingsCounts(t *testing.T) {
	for name, first := range map[string]uint64{"dialler knows first": 2, "other knows first": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				nodes := map[uint64]*testNode{1: start(t, 1, network.node), 2: start(t, 2, network.node)}
				second := 3 - first
				nodes[first].SetPeers([]link.Peer{nodes[second].as(second)})
				time.Sleep(time.Minute)
				if said := nodes[first].all(); said != "[]" {
					t.Errorf("a peer that does not know us yet: %s", said)
				}
				met := time.Now()
				nodes[second].SetPeers([]link.Peer{nodes[first].as(first)})
				nodes[first].wants(up(second))
				nodes[second].wants(up(first))
				if took := time.Since(met); took > 10*time.Millisecond {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Heartbeats measure what the wall clocks of the bubble are apart: nothing.
func TestOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := start(t, 2, network.node), start(t, 1, network.node)
		if _, _, ok := a.Offset(1); ok {
			t.Error("an offset without a link")
		}
		join(a, 2, b, 1)
		time.Sleep(1500 * time.Millisecond) // clocks are compared each second
		for peer, n := range map[uint64]*testNode{1: a, 2: b} {
			if offset, roundTrip, ok := n.Offset(peer); !ok || offset != 0 || roundTrip != 0 {
				t.Errorf("offset %v, round trip %v, known %v", offset, roundTrip, ok)
			}
		}
	})
}

func TestStrangersArePushedOutOrTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		start(t, 1, network.node)
		var conns []net.Conn
		for range link.MaxStrangers + 1 {
			conn, err := network.dial(t.Context(), pipeAddress(1))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			conns = append(conns, conn)
		}
		began := time.Now()
		for i, conn := range conns {
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("a stranger is told something")
			}
			if after := time.Since(began); i == 0 && after != 0 || i > 0 && after != 2*time.Second {
				t.Fatalf("stranger %d is turned away after %v", i, after)
			}
			conn.Close()
		}
	})
}

// Bulk is held to its rate, all peers together.
func TestBulkRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := start(t, 2, network.node, func(c *link.Config) { c.BulkRate = 1 << 20 })
		b := start(t, 1, network.node)
		join(a, 2, b, 1)
		began := time.Now()
		const megabytes = 5
		for range megabytes {
			if !a.Send(1, link.Bulk, make([]byte, 1<<20)) {
				t.Fatal("not queued")
			}
		}
		if queued := a.Queued(1, link.Bulk); queued < megabytes<<20-1<<20 || queued > megabytes<<20+1<<10 {
			t.Errorf("%d bytes are queued", queued)
		}
		for range megabytes {
			if e := b.next(); e.name != "frame" || len(e.frame) != 1<<20 {
				t.Fatalf("got %s of %d bytes", e.name, len(e.frame))
			}
		}
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("5 MB at 1 MB/s took %v", took)
		}
	})
}
