package session

import (
	"sync"

	"halley/pushnode/sockjs"
)

// pipes finds conversations by their names. Each that is in it counts as a request that Close waits for, so that whoever finds one may be
// counted too, even where nobody new is let in.
type pipes struct {
	// immutable
	absent  *pending      // counts those for which nobody is here: who is has a connection, which is bounded elsewhere
	waiting chan struct{} // holds a token for each request of other nodes that waits
	finding chan struct{} // and for each of this node that looks for its conversation

	mu sync.Mutex
	// guarded by mu
	named map[string]*pipe
}

func newPipes(absentPerIP int) pipes {
	return pipes{
		absent: newPending(absentPerIP), waiting: make(chan struct{}, mostElsewhere), finding: make(chan struct{}, mostFinding),
		named: make(map[string]*pipe),
	}
}

// find returns a conversation, and counts the request for it: leave must be called when it ends. nil: there is none.
func (s *Server) findPipe(name string) *pipe {
	s.pipes.mu.Lock()
	defer s.pipes.mu.Unlock()
	return s.findPipeLocked(name)
}

func (s *Server) findPipeLocked(name string) *pipe {
	found := s.pipes.named[name]
	if found != nil {
		s.handlers.Add(1)
	}
	return found
}

// findOrAddPipe is findPipe for a request that begins a conversation where there is none: then it is isNew, and must be opened. It counts
// twice beside the request, for its place here and for its visit.
func (s *Server) findOrAddPipe(name string) (found *pipe, isNew bool, err error) {
	s.pipes.mu.Lock()
	defer s.pipes.mu.Unlock()
	if found := s.findPipeLocked(name); found != nil {
		return found, false, nil
	}
	if err := s.enter(); err != nil {
		return nil, false, err
	}
	s.handlers.Add(2)
	p := &pipe{server: s, name: name, opened: make(chan struct{}), waiting: []byte(sockjs.Open)}
	s.pipes.named[name] = p
	return p, true, nil
}

// remove takes a conversation out, if it has not been.
func (t *pipes) remove(p *pipe) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named[p.name] == p {
		delete(t.named, p.name)
		p.server.leave()
	}
}
