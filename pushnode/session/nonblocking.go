package session

import (
	"errors"
	"net"
	"syscall"
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

// open prepares for conn. Only a plain TCP connection can be written to behind its back: TLS has to make records.
func (w *nonblocking) open(conn net.Conn) {
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

// possible reports whether the connection can be written to so.
func (w *nonblocking) possible() bool { return w.raw != nil }
