package cluster

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// piped has an inlet hand over one end of a pipe and returns both ends.
func piped(t *testing.T, source chan<- net.Conn, in *inlet) (near, far net.Conn) {
	t.Helper()
	near, far = net.Pipe()
	source <- near
	t.Cleanup(func() { _ = far.Close() })
	return <-in.streams, far
}

func opened(t *testing.T) (*inlet, chan net.Conn) {
	t.Helper()
	in, source := newInlet(), make(chan net.Conn)
	in.start(source)
	t.Cleanup(func() {
		in.close()
		in.wait()
	})
	return in, source
}

// A stranger is heard for so long and no longer.
func TestLongStreamIsCut(t *testing.T) {
	t.Parallel()
	in, source := opened(t)
	near, far := piped(t, source, in)
	go func() { // ends with the pipe
		_, _ = far.Write(make([]byte, maxStreamBytes+1))
	}()
	if n, err := io.Copy(io.Discard, near); n != maxStreamBytes || !errors.Is(err, errStreamTooLong) {
		t.Errorf("read %d bytes, %v; want %d and then a refusal", n, err, maxStreamBytes)
	}
	_ = near.Close()
}

// More streams than may be open close the oldest of them, and what was closed makes room.
func TestManyStreamsCloseTheOldest(t *testing.T) {
	t.Parallel()
	in, source := opened(t)
	var ours, theirs []net.Conn
	for range maxStreams {
		near, far := piped(t, source, in)
		ours, theirs = append(ours, near), append(theirs, far)
	}
	_ = ours[1].Close()
	_, last := piped(t, source, in)
	go func() { _, _ = theirs[0].Write([]byte("a")) }()
	if _, err := ours[0].Read(make([]byte, 1)); err != nil {
		t.Errorf("the oldest was closed though there was room: %v", err)
	}
	_, _ = piped(t, source, in)
	if _, err := ours[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest of too many is still open")
	}
	go func() { _, _ = last.Write(bytes.Repeat([]byte("b"), 2)) }()
	if _, err := in.open[len(in.open)-2].Read(make([]byte, 2)); err != nil {
		t.Errorf("a younger one was closed: %v", err)
	}
	for _, s := range ours {
		_ = s.Close()
	}
}

// What nobody takes any more is closed, so that who dialled does not wait.
func TestClosedInletClosesStreams(t *testing.T) {
	t.Parallel()
	in, source := newInlet(), make(chan net.Conn)
	in.start(source)
	in.close()
	near, far := net.Pipe()
	source <- near
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
	in.wait()
	in.close()
	in.wait()
}

// What memberlist says of a join is one line, and says more where the other side has hung up.
func TestJoinErrors(t *testing.T) {
	t.Parallel()
	listed := &listedError{errors.New("failed to join 10.0.0.1:7946: EOF")}
	if got := joinError(listed); strings.Contains(got.Error(), "\n") || !strings.Contains(got.Error(), "another secret") {
		t.Errorf("%q", got)
	}
	if got := joinError(errClosed); !errors.Is(got, errClosed) || joinError(nil) != nil {
		t.Errorf("%v", got)
	}
}

// listedError is an error as memberlist lists it.
type listedError struct{ first error }

func (*listedError) Error() string   { return "1 error occurred:\n\t* …\n\n" }
func (e *listedError) Unwrap() error { return e.first }
