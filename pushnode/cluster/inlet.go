package cluster

import (
	"errors"
	"net"
	"slices"
	"sync"
)

// Bounds of what comes in by streams. memberlist has none of its own on their number, and takes up to 20 MB of each before it finds
// out whether the sender has the key; whoever reaches the port could have a node take gigabytes within its 2 s for a stream.
const (
	// maxStreams bounds the streams that are open at once. One more closes the oldest. A node that all others join at once has a few.
	maxStreams = 128
	// maxStreamBytes bounds what is read of one: 330 bytes for each of 3000 members, beside an exchange.
	maxStreamBytes = 1 << 20
)

var errStreamTooLong = errors.New("more than a node has to say")

// inlet hands over the streams that come in, within those bounds.
type inlet struct {
	streams chan net.Conn
	closed  chan struct{} // by close: what comes from now on is closed
	done    chan struct{} // by wait: nothing comes any more
	close   func()        // may be called again, as wait
	end     func()
	work    sync.WaitGroup

	mu   sync.Mutex
	open []*stream // the oldest first; guarded by mu
}

func newInlet() *inlet {
	in := &inlet{streams: make(chan net.Conn), closed: make(chan struct{}), done: make(chan struct{})}
	in.close = sync.OnceFunc(func() { close(in.closed) })
	in.end = sync.OnceFunc(func() { close(in.done) })
	return in
}

// start hands over what comes from the source until close, and takes it until wait.
func (in *inlet) start(source <-chan net.Conn) {
	in.work.Go(func() {
		for {
			select {
			case conn := <-source:
				in.hand(in.enter(conn))
			case <-in.done:
				return
			}
		}
	})
}

func (in *inlet) hand(s *stream) {
	select {
	case in.streams <- s:
	case <-in.closed:
		_ = s.Close()
	}
}

func (in *inlet) wait() {
	in.end()
	in.work.Wait()
}

func (in *inlet) enter(conn net.Conn) *stream {
	s := &stream{Conn: conn, inlet: in, left: maxStreamBytes}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.open) == maxStreams {
		_ = in.open[0].Conn.Close() // who reads it gets an error and closes it
		in.open = slices.Delete(in.open, 0, 1)
	}
	in.open = append(in.open, s)
	return s
}

// stream is a stream that came in. One goroutine reads it.
type stream struct {
	net.Conn
	inlet *inlet
	left  int // bytes that may still come
}

// Read reads until too much has come.
func (s *stream) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, errStreamTooLong
	}
	n, err := s.Conn.Read(b[:min(len(b), s.left)])
	s.left -= n
	return n, err
}

// Close closes the stream and makes room for another.
func (s *stream) Close() error {
	s.inlet.mu.Lock()
	if i := slices.Index(s.inlet.open, s); i >= 0 {
		s.inlet.open = slices.Delete(s.inlet.open, i, i+1)
	}
	s.inlet.mu.Unlock()
	return s.Conn.Close()
}
