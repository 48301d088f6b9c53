package session

import (
	"context"
	"net/http"
	"time"

	"halley/pushnode/sockjs"
	"halley/pushnode/wire"
)

// A balancer may lead each request of a conversation to another node. Whoever does not hold it asks who does, and hands lines and texts on.

// Fetch asks for the lines of a conversation, for a client whose request reached another node.
type Fetch struct {
	Conversation string
	Client       string        // its address
	Visit        uint64        // of the request, as the first answer told it; 0: it has just come
	Most         int           // units
	Wait         time.Duration // for the first lines
	Lost         bool          // what was fetched did not reach the client: the conversation ends
}

// Fetched is the answer.
type Fetched struct {
	Visit uint64
	Lines []byte
	Units int
	Over  bool // there will be nothing more for this request
}

// elsewhereWait is how long another node is asked to wait for lines: shorter than a question between nodes may take.
const elsewhereWait = 3 * time.Second

// elsewherePause is what lies between two questions where a node does not wait, as when too many do so already.
const elsewherePause = 250 * time.Millisecond

// mostElsewhere is how many requests of other nodes may wait here at a time: a node answers a bounded number of questions.
const mostElsewhere = 64

// HoldsConversation reports whether this node has a conversation.
func (s *Server) HoldsConversation(name string) bool {
	p := s.findPipe(name)
	if p != nil {
		s.leave()
	}
	return p != nil
}

// Fetch fetches for a client whose request reached another node.
func (s *Server) Fetch(ctx context.Context, fetch Fetch) (Fetched, error) {
	p := s.findPipe(fetch.Conversation)
	if p == nil {
		return Fetched{}, errNoConversation
	}
	defer s.leave()
	<-p.opened
	if fetch.Lost {
		p.abandon()
		return Fetched{}, nil
	}
	var f *fetcher
	if fetch.Visit == 0 {
		p.heard()
		f = p.attend()
	} else if f = p.attendAgain(fetch.Visit); f == nil {
		return Fetched{Over: true}, nil
	}
	defer f.leave(fetch.Client)
	ctx, done := s.pipes.mayWait(ctx, fetch.Wait)
	defer done()
	lines, units, over := f.fetch(ctx, fetch.Most)
	return Fetched{Visit: f.visit, Lines: lines, Units: units, Over: over}, nil
}

// mayWait is how long a request of another node may wait: not at all where many do so.
func (t *pipes) mayWait(ctx context.Context, wait time.Duration) (context.Context, func()) {
	select {
	case t.waiting <- struct{}{}:
		ctx, cancel := context.WithTimeout(ctx, min(wait, elsewhereWait))
		return ctx, func() {
			cancel()
			<-t.waiting
		}
	default:
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, func() {}
	}
}

// Hear has a client say what a request had for a body that reached another node.
func (s *Server) Hear(ctx context.Context, name string, body []byte) error {
	p := s.findPipe(name)
	if p == nil {
		return errNoConversation
	}
	defer s.leave()
	<-p.opened
	if err := p.speaks.take(ctx); err != nil {
		return wire.NewError(wire.CodeUnavailable).Because(err)
	}
	defer p.speaks.release()
	return p.say(body)
}

// elsewhere is the lines of a conversation that another node holds.
type elsewhere struct {
	server *Server
	node   uint64
	fetch  Fetch
}

// fetchElsewhere answers a request that fetches where another node holds its conversation, and reports whether one does.
func (s *Server) fetchElsewhere(w http.ResponseWriter, r *http.Request, target sockjs.Target) bool {
	if s.enter() != nil {
		return false
	}
	defer s.leave()
	node, err := s.findElsewhere(r.Context(), target)
	if err != nil {
		return false
	}
	serveLines(w, r, target.Call, &elsewhere{
		server: s, node: node, fetch: Fetch{Conversation: target.Conversation, Client: r.RemoteAddr},
	})
	return true
}

// mostFinding is how many requests may have other nodes asked at a time who holds their conversation. The others wait: whoever makes many costs
// this node's clients time, and not all nodes theirs.
const mostFinding = 32

// findElsewhere asks who holds a conversation. That of a key that is nobody's is held by no node.
func (s *Server) findElsewhere(ctx context.Context, target sockjs.Target) (node uint64, err error) {
	if _, err := s.backend.PusherApp(target.Key); err != nil {
		return 0, err
	}
	select {
	case s.pipes.finding <- struct{}{}:
		defer func() { <-s.pipes.finding }()
		return s.backend.FindConversation(ctx, target.Conversation)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// await implements source. Where this node is drained the request ends: its client's next one reaches another.
func (e *elsewhere) await(ctx context.Context, most int) (lines []byte, units int, over bool, err error) {
	for end := time.Now().Add(e.server.config.PingInterval); time.Now().Before(end); {
		if e.server.isRefusing() {
			return nil, 0, true, nil
		}
		asked := time.Now()
		e.fetch.Most, e.fetch.Wait = most, min(elsewhereWait, time.Until(end))
		fetched, err := e.server.backend.FetchElsewhere(ctx, e.node, e.fetch)
		e.fetch.Visit = fetched.Visit
		if err != nil || len(fetched.Lines) > 0 || fetched.Over {
			return fetched.Lines, fetched.Units, fetched.Over, err
		}
		if time.Since(asked) < elsewherePause && !pause(ctx, elsewherePause) {
			return nil, 0, true, nil
		}
	}
	return []byte(sockjs.Heartbeat), len(sockjs.Heartbeat), false, nil
}

// pause reports whether all of the time went by before ctx ended.
func pause(ctx context.Context, wait time.Duration) bool {
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// lost implements source.
func (e *elsewhere) lost() {
	ctx, cancel := context.WithTimeout(e.server.base, e.server.config.CommandTimeout)
	defer cancel()
	e.fetch.Lost = true
	_, _ = e.server.backend.FetchElsewhere(ctx, e.node, e.fetch) // else it ends when nobody comes any more
}

// writeTimeout implements source.
func (e *elsewhere) writeTimeout() time.Duration { return e.server.config.WriteTimeout }

// sendElsewhere answers a request that sends where this node does not hold its conversation.
func (s *Server) sendElsewhere(w http.ResponseWriter, r *http.Request, target sockjs.Target) {
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	defer s.leave()
	writeHeard(w, s.handOver(w, r, target))
}

// handOver hands the body of a request to the node that holds its conversation.
func (s *Server) handOver(w http.ResponseWriter, r *http.Request, target sockjs.Target) error {
	node, err := s.findElsewhere(r.Context(), target)
	if err != nil {
		return err
	}
	found, err := s.backend.PusherApp(target.Key)
	if err != nil {
		return err
	}
	app, err := s.backend.App(found.AppID)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, bodyOf(pusherMessageBytes(app, found)))
	if err != nil {
		return err
	}
	return s.backend.HearElsewhere(r.Context(), node, target.Conversation, body)
}
