package bench

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// newReader is the cheapest reader for the scheme.
func newReader(d *desk, scheme string) (reader, error) {
	if scheme == "https" {
		return &goroutines{desk: d}, nil
	}
	return newEpoll(d)
}

// epoll reads all connections in one goroutine, past Go's own poller: waking a goroutine for each message would cost as much as the
// server's write of it.
type epoll struct {
	*desk
	fd      int
	ended   atomic.Bool
	running sync.WaitGroup
	sockets []*socket // guarded by mu; the index is what epoll calls them
}

// socket is a bare connection. It belongs to the goroutine that reads, until that has ended.
type socket struct {
	fd         int
	subscriber *subscriber
}

const (
	eventsAtOnce = 512
	waitMillis   = 50       // until it is seen that the run has ended
	epollRead    = 64 << 10 // bytes of one read: more than a batch of messages
)

func newEpoll(d *desk) (*epoll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	e := &epoll{desk: d, fd: fd}
	e.running.Go(e.run)
	return e, nil
}

// follow takes the connection away from Go's poller by a copy of its descriptor.
func (e *epoll) follow(s *subscriber, conn net.Conn) error {
	if _, secure := conn.(*tls.Conn); secure {
		return errors.New("epoll cannot read TLS")
	}
	fd, err := takeDescriptor(conn)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	bare := &socket{fd: fd, subscriber: s}
	s.link = bare
	e.sockets = append(e.sockets, bare)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(len(e.sockets) - 1)}
	if err := syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// takeDescriptor copies the descriptor of a connection and closes the connection, which the copy keeps alive.
func takeDescriptor(conn net.Conn) (fd int, err error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0, fmt.Errorf("a connection of type %T has no descriptor", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(original uintptr) {
		if fd, failed = syscall.Dup(int(original)); failed == nil {
			syscall.CloseOnExec(fd)
		}
	})
	return fd, errors.Join(err, failed, conn.Close())
}

// run reads what is there to read until close.
func (e *epoll) run() {
	events := make([]syscall.EpollEvent, eventsAtOnce)
	buffer := make([]byte, epollRead)
	for !e.ended.Load() {
		n, err := syscall.EpollWait(e.fd, events, waitMillis)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			e.fail(fmt.Errorf("epoll: %w", err))
			return
		}
		e.readAll(events[:max(n, 0)], buffer)
	}
}

// readAll reads each connection once; one with more is told again.
func (e *epoll) readAll(events []syscall.EpollEvent, buffer []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range events {
		s := e.sockets[events[i].Fd]
		n, err := syscall.Read(s.fd, buffer)
		switch {
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
			continue
		case err == nil && n == 0:
			err = io.ErrUnexpectedEOF
		}
		if !e.takeLocked(s.subscriber, buffer[:max(n, 0)], err) {
			_ = syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_DEL, s.fd, nil) // or it would be told for ever
		}
	}
	e.intake.tell()
}

func (e *epoll) close() error {
	e.ended.Store(true)
	e.running.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sockets {
		_ = s.subscriber.leave() // of a connection that may be broken
	}
	return syscall.Close(e.fd)
}

// Write writes at once or not at all.
func (s *socket) Write(p []byte) (int, error) {
	n, err := syscall.Write(s.fd, p)
	if err == nil && n < len(p) {
		return n, errShort
	}
	return max(n, 0), err
}

// Close closes the descriptor, once.
func (s *socket) Close() error { return syscall.Close(s.fd) }
