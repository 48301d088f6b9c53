package verify

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// echo is a node that says what it hears, on the ports behind a relay.
func echo(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.Copy(conn, conn) // one at a time, until its other end closes
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		packets.Close()
		<-done
	})
}

// pair is a loopback network of two nodes, both of which are this process: so what speaks is node 0, which is looked for first.
func pair(t *testing.T) (l *loopback, behind site) {
	t.Helper()
	l = newLoopback(2)
	if _, err := l.site(0); err != nil {
		t.Fatal(err)
	}
	behind, err := l.site(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	l.started(0, os.Getpid())
	echo(t, behind.gossip)
	return l, behind
}

// say sends a line and returns whether it comes back soon.
func say(t *testing.T, conn net.Conn, line string, patience time.Duration) bool {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && got == line+"\n"
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// What is cut stands still, and nothing of it is lost: as TCP is where packets do not get through.
func TestRelayHoldsBackWhatIsCut(t *testing.T) {
	for name, cut := range map[string][2]int{"there": {0, 1}, "back": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			l, behind := pair(t)
			conn := dial(t, behind.advertise)
			if !say(t, conn, "hello", 10*time.Second) {
				t.Fatal("an open way carries nothing")
			}
			if err := l.cut(cut[0], cut[1]); err != nil {
				t.Fatal(err)
			}
			if say(t, conn, "held back", 100*time.Millisecond) {
				t.Error("a cut way carries something")
			}
			if err := l.heal(); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if got, err := bufio.NewReader(conn).ReadString('\n'); got != "held back\n" {
				t.Errorf("after the cut came %q, %v", got, err)
			}
		})
	}
}

func TestRelayDelaysWhatIsSlow(t *testing.T) {
	l, behind := pair(t)
	conn := dial(t, behind.advertise)
	if err := l.impair(1); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if !say(t, conn, "slowly", 10*time.Second) {
		t.Fatal("a slow way carries nothing")
	}
	if took := time.Since(begun); took < 2*slowLeast {
		t.Errorf("there and back took %v", took)
	}
}

// Beyond what comes at once, a narrow way carries narrowBytes a second, both directions together.
func TestRelayNarrows(t *testing.T) {
	l, behind := pair(t)
	conn := dial(t, behind.advertise)
	if err := l.narrow(1); err != nil {
		t.Fatal(err)
	}
	const bytes = 50_000
	begun := time.Now()
	if !say(t, conn, strings.Repeat("x", bytes-1), 10*time.Second) {
		t.Fatal("a narrow way carries nothing")
	}
	least := time.Duration(2*bytes-chunkBytes) * time.Second / narrowBytes
	if took := time.Since(begun); took < least {
		t.Errorf("%d bytes there and back took %v, want %v at least", bytes, took, least)
	}
	if err := l.heal(); err != nil || !l.squeeze(t.Context(), 10*chunkBytes, 0, 1) {
		t.Errorf("a way that is healed is narrow: %v", err)
	}
}

// Packets are told apart by the port that their node gossips on, and pass on from that node's own relay.
func TestRelayCarriesPackets(t *testing.T) {
	l := newLoopback(2)
	sites := make([]site, 2)
	nodes := make([]*net.UDPConn, 2)
	for i := range sites {
		var err error
		if sites[i], err = l.site(i); err != nil {
			t.Fatal(err)
		}
		if nodes[i], err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(sites[i].gossip))); err != nil {
			t.Fatal(err)
		}
		defer nodes[i].Close()
	}
	defer l.close()
	send := func(text string) {
		if _, err := nodes[0].WriteToUDPAddrPort([]byte(text), netip.MustParseAddrPort(sites[1].advertise)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.cut(0, 1); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 64)
	send("lost")
	nodes[1].SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, _, err := nodes[1].ReadFromUDPAddrPort(got); err == nil {
		t.Errorf("a cut way carries %q", got[:n])
	}
	if err := l.heal(); err != nil {
		t.Fatal(err)
	}
	send("hello")
	nodes[1].SetReadDeadline(time.Now().Add(10 * time.Second))
	n, from, err := nodes[1].ReadFromUDPAddrPort(got)
	if err != nil || string(got[:n]) != "hello" || from.String() != sites[0].advertise {
		t.Errorf("got %q from %v, %v; want hello from %v", got[:n], from, err, sites[0].advertise)
	}
}

// A connection of a process that is no node is nobody's.
func TestOwnerKnowsItsProcesses(t *testing.T) {
	l, behind := pair(t)
	conn := dial(t, behind.advertise)
	remote, local := netip.MustParseAddrPort(conn.LocalAddr().String()), netip.MustParseAddrPort(conn.RemoteAddr().String())
	if got := l.owner(remote, local); got != 0 {
		t.Errorf("this process is node %d, want 0", got)
	}
	l.started(0, 1) // init holds no such socket
	if got := l.owner(remote, local); got != -1 {
		t.Errorf("nobody's connection is node %d's", got)
	}
}
