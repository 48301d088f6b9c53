package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"testing"

	"halley/pushnode/cluster/trust"
)

// What a welcome shows, by who says it. Only a node that proves to be another one makes a proof of death.
func TestWhatAWelcomeShows(t *testing.T) {
	tests := []struct {
		name    string
		proven  uint64 // by the certificate of the one that answers
		welcome welcome
		want    Reason // of instance 9; 0: it lives
	}{
		{"itself", 9, welcome{version: 1, instance: 9}, 0},
		{"it does not know us yet", 9, welcome{version: 1, answer: unknown, instance: 9}, 0},
		{"another", 8, welcome{version: 1, answer: otherInstance, instance: 8}, Replaced},
		{"itself, with another name", 9, welcome{version: 1, answer: otherInstance, instance: 8}, Misfit},
		{"another, with its name", 8, welcome{version: 1, instance: 9}, Misfit},
		{"another, that takes itself for it", 8, welcome{version: 1, instance: 8}, Misfit},
		{"ourselves", 5, welcome{version: 1, answer: otherInstance, instance: 5}, Misfit},
		{"another of another cluster", 8, welcome{version: 1, answer: otherCluster, instance: 8}, Misfit},
		{"a version that was not offered", 9, welcome{version: 2, instance: 9}, Misfit},
	}
	secrets, err := trust.Parse([]byte("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="))
	if err != nil {
		t.Fatal(err)
	}
	own, err := secrets.Identity(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shown, err := secrets.Identity(test.proven)
			if err != nil {
				t.Fatal(err)
			}
			m := accepting(t, own)
			p := newPeer(m, 9, answering(t, shown, test.welcome), nil)
			if got := evidence(p.probe(t.Context())); got != test.want {
				t.Errorf("it shows %v, want %v", got, test.want)
			}
		})
	}
}

// answering listens and answers one hello, whatever it says.
func answering(tb testing.TB, shown *trust.Identity, w welcome) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := listener.Accept()
		if err != nil {
			return
		}
		defer raw.Close()
		conn := tls.Server(raw, shown.Server())
		if _, err := readHello(conn); err != nil {
			tb.Error(err)
		}
		if err := writeGreeting(conn, w.append(nil)); err != nil {
			tb.Error(err)
		}
	}()
	tb.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func TestEvidence(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, test := range []struct {
		err  error
		want Reason
	}{
		{nil, 0},
		{refused, Refused},
		{context.DeadlineExceeded, Unreachable},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, Unreachable},
		{errors.Join(errMisfit), Misfit},
		{&net.OpError{Op: "remote error", Err: errors.New("bad certificate")}, Misfit},
	} {
		if got := evidence(test.err); got != test.want {
			t.Errorf("%v shows %v, want %v", test.err, got, test.want)
		}
	}
}
