package netpoll_test

import (
	"testing"

	"halley/pushnode/netpoll"
)

// A socket that is not read takes little, says so at once and without an error, and takes more when it is read.
func TestTryWriteOnAFullSocket(t *testing.T) {
	t.Parallel()
	client, conn := adopted(t, new(netpoll.Poller), kinds[0])
	if !conn.AtOnce() {
		t.Fatal("there are no writes that do not wait")
	}
	const affordable = 300 << 10 // of which there are two halves: the kernel's for us, and for the client
	text := pattern(8 << 20)
	taken := fill(t, conn, text)
	if taken == 0 || taken > affordable {
		t.Errorf("a client that does not read costs %d bytes, want 1 to %d", taken, affordable)
	}
	if n, err := conn.TryWrite(text[taken:]); n != 0 || err != nil {
		t.Errorf("a full socket took %d bytes, and said %v", n, err)
	}
	wantRead(t, client, text[:taken])
	more := 0
	until(t, "room", func() bool {
		n, err := conn.TryWrite(text[taken : taken+100])
		if err != nil {
			t.Fatal(err)
		}
		more = n
		return n > 0
	})
	wantRead(t, client, text[taken:taken+more])
}

// fill writes until nothing has been taken for a while: what was written is still on its way to the client at first.
func fill(tb testing.TB, conn netpoll.Conn, text []byte) (taken int) {
	tb.Helper()
	until(tb, "a socket to be full", func() bool {
		before := taken
		for n := 1; n > 0 && taken < len(text); {
			var err error
			if n, err = conn.TryWrite(text[taken:min(taken+1000, len(text))]); err != nil {
				tb.Fatal(err)
			}
			taken += n
		}
		return taken == len(text) || taken > 0 && taken == before
	})
	return taken
}
