package netpoll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"halley/pushnode/crew"
)

// Poller holds connections. Its zero value is ready for use.
type Poller struct {
	streams sync.WaitGroup // goroutines that read, each from one connection
	readers crew.Crew      // those that read from sockets
	loop    sync.WaitGroup // run

	once sync.Once
	set  *epollSet // nil: there is none, and every connection is a stream
}

// Adopt takes a connection over, which belongs to the result from now on. Where the system gives no more descriptors it is held as
// any other than a plain TCP connection is.
func (p *Poller) Adopt(conn net.Conn) Conn {
	if plain, release, ok := plainOf(conn); ok {
		p.once.Do(p.open) // not before: most tests have no sockets, and no loop that waits for some
		if p.set != nil {
			if adopted, err := p.set.adopt(plain, &p.readers); err == nil {
				adopted.release = release()
				return adopted
			}
		}
	}
	return &stream{conn: conn, readers: &p.streams}
}

// plainOf finds the socket of a connection, and how to let go of the rest of it.
func plainOf(conn net.Conn) (plain syscall.RawConn, release func() func(), ok bool) {
	switch conn := conn.(type) {
	case *net.TCPConn:
		release = func() func() {
			_ = conn.Close() // of this descriptor; the socket lives on under the other
			return func() {}
		}
	case Holder:
		release = conn.HandOver
	default:
		return nil, nil, false
	}
	inner, ok := conn.(syscall.Conn)
	if !ok {
		return nil, nil, false
	}
	plain, err := inner.SyscallConn()
	return plain, release, err == nil
}

func (p *Poller) open() {
	set, err := newEpollSet()
	if err != nil {
		return
	}
	p.set = set
	p.loop.Go(set.run)
}

// Close waits until nobody reads any more. All connections must have been closed.
func (p *Poller) Close() {
	p.streams.Wait()
	p.readers.Close()
	p.once.Do(func() {})
	if p.set != nil {
		p.set.close()
	}
	p.loop.Wait()
}

// epollSet is one epoll instance and the connections in it. It is itself watched by Go's network poller (epoll instances nest), so
// that waiting for it takes a goroutine and no thread.
type epollSet struct {
	file *os.File        // owns the descriptor
	raw  syscall.RawConn // of file
	fd   int

	mu    sync.RWMutex
	conns []*socket // by descriptor; guarded by mu
}

func newEpollSet() (*epollSet, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else os.NewFile does not let Go's poller watch it
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), file.Close())
	}
	return &epollSet{file: file, raw: raw, fd: fd}, nil
}

func (e *epollSet) close() { _ = e.file.Close() }

// eventsAtOnce is how many connections are told of at a time.
const eventsAtOnce = 256

// run tells connections what has become possible, until the set is closed.
func (e *epollSet) run() {
	events := make([]unix.EpollEvent, eventsAtOnce)
	for {
		count := 0
		err := e.raw.Read(func(fd uintptr) bool {
			count, _ = unix.EpollWait(int(fd), events, 0) // an interruption is none of its events
			return count > 0
		})
		if err != nil {
			return
		}
		for i := range events[:max(count, 0)] {
			if conn := e.find(int(events[i].Fd)); conn != nil {
				conn.happened(events[i].Events)
			}
		}
	}
}

// find may return a connection that has the descriptor since the event: what it is told then is harmless.
func (e *epollSet) find(fd int) *socket {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if fd < len(e.conns) {
		return e.conns[fd]
	}
	return nil
}

func (e *epollSet) put(fd int, conn *socket) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for fd >= len(e.conns) {
		e.conns = append(e.conns, nil)
	}
	e.conns[fd] = conn
}

// adopt duplicates the descriptor of a connection and watches it. Changes are told once (EPOLLET), so that nothing has to be set
// again after each.
func (e *epollSet) adopt(plain syscall.RawConn, readers *crew.Crew) (*socket, error) {
	fd, err := duplicate(plain)
	if err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, kernelUnsent) // a wish: the connection works without
	conn := &socket{set: e, fd: fd, readers: readers}
	e.put(fd, conn)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xFFFFFFFF, Fd: int32(fd)}
	if err := unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		e.put(fd, nil)
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	return conn, nil
}

func duplicate(plain syscall.RawConn) (fd int, err error) {
	controlErr := plain.Control(func(original uintptr) {
		fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	if controlErr != nil {
		return 0, controlErr
	}
	return fd, err
}
