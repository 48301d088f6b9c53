package netpoll

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halley/pushnode/crew"
	"halley/pushnode/prefetch"
)

// socket is a plain TCP connection in an epoll set. All system calls on its descriptor are made under mu, which Close takes too: the
// number of a closed descriptor is given to another connection at once. None of them waits.
type socket struct {
	set     *epollSet  // immutable
	readers *crew.Crew // immutable
	release func()     // immutable once adopted

	mu sync.Mutex
	// guarded by mu
	fd       int // -1: closed
	reader   Reader
	early    []byte
	ready    bool          // there may be something to read that nobody was told of
	reading  bool          // a goroutine reads, or has ended reading for good
	writable chan struct{} // somebody waits until the connection takes more; closed then
}

// Start implements Conn.
func (s *socket) Start(early []byte, reader Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader, s.early = reader, early
	if s.ready || s.fd < 0 || len(early) > 0 {
		s.readLocked()
	}
}

// happened takes note of what the kernel says of the connection. Of an error or hang-up both who reads and who writes learn by trying.
func (s *socket) happened(events uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if events&^unix.EPOLLOUT != 0 {
		s.ready = true
		s.readLocked()
	}
	if events&^(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		s.unblockLocked()
	}
}

// readLocked has somebody read, where nobody does.
func (s *socket) readLocked() {
	if s.reader == nil || s.reading {
		return
	}
	s.reading = true
	s.readers.Go(s.read)
}

// buffers are for who reads just now.
var buffers = sync.Pool{New: func() any { return new([readBytes]byte) }}

// read hands over what there is to read. It ends when that is all, for the time being or for good.
func (s *socket) read() {
	buffer := buffers.Get().(*[readBytes]byte)
	err := s.receive(buffer[:])
	buffers.Put(buffer)
	if err == nil {
		return
	}
	_ = s.Close()
	s.reader.Ended(ended(err))
}

func (s *socket) receive(buffer []byte) error {
	s.mu.Lock()
	early := s.early
	s.early = nil
	s.mu.Unlock()
	if len(early) > 0 {
		if err := s.reader.Received(early); err != nil {
			return err
		}
	}
	for {
		n, err := s.readSome(buffer)
		if err != nil || n == 0 {
			return err
		}
		if err := s.reader.Received(buffer[:n]); err != nil {
			return err
		}
	}
}

// readSome reads what is there. Where that is nothing (0, and no error), nobody reads from now on, until there is something.
func (s *socket) readSome(buffer []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.fd < 0 {
			return 0, net.ErrClosed
		}
		s.ready = false
		n, err := receive(s.fd, buffer)
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			s.reading = false
			return 0, nil
		default:
			return 0, os.NewSyscallError("recv", err)
		}
	}
}

// AtOnce implements Conn.
func (s *socket) AtOnce() bool { return true }

// Prefetch implements Conn.
func (s *socket) Prefetch() { prefetch.Of(s) }

// TryWrite implements Conn.
func (s *socket) TryWrite(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeLocked(p)
}

// writeLocked makes one write.
func (s *socket) writeLocked(p []byte) (n int, err error) {
	if s.fd < 0 {
		return 0, net.ErrClosed
	}
	for {
		n, err = send(s.fd, p)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, nil
		default:
			return 0, os.NewSyscallError("send", err)
		}
	}
}

// Write implements Conn.
func (s *socket) Write(p []byte, timeout time.Duration) (n int, err error) {
	var expired <-chan time.Time
	for {
		written, writable, err := s.writeOrWait(p[n:])
		if n += written; err != nil || n == len(p) {
			return n, err
		}
		if expired == nil {
			timer := time.NewTimer(timeout)
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case <-writable:
		case <-expired:
			return n, os.ErrDeadlineExceeded
		}
	}
}

// writeOrWait writes what is taken at once. Where that is not all, the channel is closed when more may be taken: it is made under the
// lock under which the write was refused, so that no change falls between.
func (s *socket) writeOrWait(p []byte) (n int, writable <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		written, err := s.writeLocked(p[n:])
		if n += written; err != nil || n == len(p) {
			return n, nil, err
		}
		if written == 0 { // only a write that is refused whole has the kernel tell when there is room
			break
		}
	}
	if s.writable == nil {
		s.writable = make(chan struct{})
	}
	return n, s.writable, nil
}

func (s *socket) unblockLocked() {
	if s.writable != nil {
		close(s.writable)
		s.writable = nil
	}
}

// Close implements Conn.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return nil
	}
	s.set.put(s.fd, nil)
	err := unix.Close(s.fd) // which takes it out of the set as well
	s.fd = -1
	s.unblockLocked()
	s.readLocked() // to tell the reader
	s.release()
	return os.NewSyscallError("close", err)
}
