// Package netpoll holds the connections of clients that are mostly silent. On Linux a plain TCP connection has no goroutine and no
// buffer while nobody says anything: an epoll instance tells when there is something to read, and only then somebody reads. It can
// be written to without waiting, by whoever has something for it. Any other connection (TLS, other systems, pipes in tests) has a
// goroutine that reads, behind the same interface.
//
// It knows nothing of what the bytes mean.
package netpoll

import (
	"errors"
	"io"
	"net"
	"time"
)

// Conn is the connection of one client. Its methods are safe for concurrent use, but bytes of two writers would mix: one writes at
// a time.
type Conn interface {
	// Start begins to read: early, which was read of the connection before, and then what comes. It is called once.
	Start(early []byte, reader Reader)

	// AtOnce reports whether TryWrite is of any use.
	AtOnce() bool

	// Prefetch has what TryWrite needs fetched into the processor's cache.
	Prefetch()

	// TryWrite writes what the kernel takes at once. That this is not all of p, or nothing, is no error.
	TryWrite(p []byte) (n int, err error)

	// Write writes p, and waits until it is taken for at most timeout: then the error is os.ErrDeadlineExceeded, and n says how much
	// was taken.
	Write(p []byte, timeout time.Duration) (n int, err error)

	// Close closes the connection and ends its reading. A second call does nothing.
	Close() error
}

// Reader gets what a client says. Its methods are called by one goroutine at a time.
type Reader interface {
	// Received takes bytes, which are the reader's to change during the call and nobody's afterwards. Nothing more is read meanwhile:
	// a client that says too much waits in its own kernel. An error closes the connection.
	Received(p []byte) error

	// Ended is the last call, and comes once if Start was called: the client is gone (io.EOF, or what broke the connection), Close was
	// called (net.ErrClosed), or Received returned this error.
	Ended(err error)
}

// Holder is a connection that stands for something beside its socket, as for a place among those that a listener lets in.
type Holder interface {
	net.Conn
	// HandOver closes the connection for somebody who has its socket under another descriptor, and returns what ends the rest: to be
	// called once, when the socket is closed.
	HandOver() (release func())
}

// kernelUnsent is how much the kernel may hold for a client before it is sent (TCP_NOTSENT_LOWAT): beyond, the connection takes no
// more. What a client does not read is so held back by us, who know what may be left out, and not by the kernel, who keeps up to 4 MB.
const kernelUnsent = 16 << 10

// readBytes is how much is read at a time.
const readBytes = 4 << 10

// ended is what a reader or writer is told of an error of the connection: of net.Pipe, too, that it was closed here.
func ended(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return net.ErrClosed
	}
	return err
}
