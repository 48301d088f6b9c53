package netpoll

import (
	"errors"
	"net"
	"sync"
	"time"
)

// stream is a connection that Go's own network poller serves: it has a goroutine that reads, and a write to it may have to wait.
type stream struct {
	conn    net.Conn
	readers *sync.WaitGroup

	mu       sync.Mutex // of writes
	deadline time.Time  // of writes, as it was last set; guarded by mu
}

// Start implements Conn.
func (s *stream) Start(early []byte, reader Reader) {
	s.readers.Go(func() {
		err := s.read(early, reader)
		_ = s.conn.Close()
		reader.Ended(ended(err))
	})
}

func (s *stream) read(early []byte, reader Reader) error {
	if len(early) > 0 {
		if err := reader.Received(early); err != nil {
			return err
		}
	}
	buffer := make([]byte, readBytes)
	for {
		n, err := s.conn.Read(buffer)
		if n > 0 {
			if err := reader.Received(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// AtOnce implements Conn.
func (s *stream) AtOnce() bool { return false }

// Prefetch implements Conn: nothing is written at once.
func (s *stream) Prefetch() {}

// TryWrite implements Conn: nobody knows what would be taken at once.
func (s *stream) TryWrite([]byte) (int, error) { return 0, nil }

// Write implements Conn.
func (s *stream) Write(p []byte, timeout time.Duration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.extendLocked(time.Now(), timeout); err != nil {
		return 0, ended(err)
	}
	n, err := s.conn.Write(p)
	return n, ended(err)
}

// extendLocked gives the next write its timeout, give or take an eighth: setting a deadline costs a tenth of a write, and most
// writes follow one that has just set it.
func (s *stream) extendLocked(now time.Time, timeout time.Duration) error {
	if left := s.deadline.Sub(now); left <= timeout && left > timeout-timeout/8 {
		return nil
	}
	s.deadline = now.Add(timeout)
	return s.conn.SetWriteDeadline(s.deadline)
}

// Close implements Conn.
func (s *stream) Close() error {
	if err := s.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // a second call
}
