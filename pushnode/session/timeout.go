package session

import "time"

// timeout does something later, unless it is stopped before. The server waits for it.
type timeout struct {
	server *Server
	timer  *time.Timer
}

// after begins a timeout for somebody who has entered.
func (s *Server) after(delay time.Duration, do func()) *timeout {
	s.handlers.Add(1)
	return &timeout{server: s, timer: time.AfterFunc(delay, func() {
		defer s.handlers.Done()
		do()
	})}
}

// hurry does something else instead, and at once, unless it is too late for that.
func (t *timeout) hurry(do func()) {
	if t.timer.Stop() {
		go func() { // the server waits for it, as it did for the timeout
			defer t.server.handlers.Done()
			do()
		}()
	}
}

// stop reports whether nothing was done, nor will be.
func (t *timeout) stop() bool {
	stopped := t.timer.Stop()
	if stopped {
		t.server.handlers.Done()
	}
	return stopped
}
