package session

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// nonblocking writes to a connection's file descriptor what the kernel takes at once. The descriptor is held meanwhile: it cannot be
// closed, and its number not given to another. It is not safe for concurrent use.
type nonblocking struct {
	raw     syscall.RawConn // nil: not possible
	attempt func(fd uintptr) (done bool)

	// arguments and results of attempt, which is made once: a closure for each write would be garbage for each delivery
	text    []byte
	written int
	err     error
}

// init prepares for conn. Only a plain TCP connection can be written to behind its back: TLS has to make records.
func (w *nonblocking) init(conn net.Conn) {
	plain, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return
	}
	w.raw = raw
	w.attempt = func(fd uintptr) bool {
		w.written, w.err = syscall.Write(int(fd), w.text)
		return true // whatever came of it: nobody waits here
	}
}

// write returns how much of p was taken; that it was not all is no error.
func (w *nonblocking) write(p []byte) (written int, err error) {
	w.text = p
	err = w.raw.Write(w.attempt)
	w.text = nil
	switch {
	case err != nil:
		return 0, err
	case w.err == nil:
		return w.written, nil
	case errors.Is(w.err, syscall.EAGAIN), errors.Is(w.err, syscall.EINTR):
		return 0, nil
	default:
		return 0, w.err
	}
}

func (s *socket) direct() bool { return s.now.raw != nil }

// seize fails while the reader answers a close or a ping, which may have to wait for the client.
func (s *socket) seize() bool { return s.mu.TryLock() }

func (s *socket) release() { s.mu.Unlock() }

// writeNow writes frames as far as the kernel takes them at once, and keeps the rest for the next write. The caller has seized the
// socket.
func (s *socket) writeNow(items []item) (all bool, err error) {
	if s.finished {
		return false, net.ErrClosed
	}
	frames := s.joinLocked(items)
	defer s.spareLocked()
	if err := s.extendLocked(time.Now()); err != nil {
		s.finished = true
		return false, err
	}
	written, err := s.now.write(frames)
	if err != nil {
		s.finished = true
		return false, err
	}
	s.kept = append(s.kept, frames[written:]...)
	return len(s.kept) == 0, nil
}

// finish writes what was kept.
func (s *socket) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sendLocked(nil)
}
