package session

import (
	"errors"
	"net/http"
	"time"

	"halley/pushnode/sockjs"
	"halley/pushnode/wire"
)

// FallbackPath is where the fallbacks of Pusher's clients begin.
const FallbackPath = sockjs.Prefix

// Fallback serves POST /pusher/app/{key}/{server}/{session}/{call}, to which pusher-js turns where its WebSocket does not get through: the
// same conversation over several requests (package sockjs). They may reach any node: pusher_elsewhere.go.
func (s *Server) Fallback(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("pusher")
	allowOrigin(w, r)
	target, found := sockjs.ParsePath(r.URL.Path)
	switch {
	case !found:
		writeError(w, wire.Errorf(wire.CodeNotFound, "there is nothing at %.200s", r.URL.Path))
	case target.Call == sockjs.CallSend:
		s.fallbackSend(w, r, target)
	default:
		s.fallbackFetch(w, r, target)
	}
}

// fallbackFetch answers a request that fetches, and begins the conversation with the first one.
func (s *Server) fallbackFetch(w http.ResponseWriter, r *http.Request, target sockjs.Target) {
	p := s.findPipe(target.Conversation)
	if p == nil {
		if s.fetchElsewhere(w, r, target) {
			return
		}
		var err error
		if p, err = s.beginPipe(r, target); err != nil {
			writeError(w, err)
			return
		}
	}
	defer s.leave()
	<-p.opened
	p.heard()
	fetcher := p.attend()
	defer fetcher.leave(r.RemoteAddr)
	serveLines(w, r, target.Call, fetcher)
}

// beginPipe begins a conversation, unless another request has done so just now, and counts the request for it as findPipe does.
func (s *Server) beginPipe(r *http.Request, target sockjs.Target) (*pipe, error) {
	p, isNew, err := s.findOrAddPipe(target.Conversation)
	if err == nil && isNew {
		s.openPipe(p, r, target.Key)
	}
	return p, err
}

// openPipe lets the client in, or refuses it: it is told so either way.
func (s *Server) openPipe(p *pipe, r *http.Request, key string) {
	defer close(p.opened)
	v := &pusherVisit{visit: visit{server: s, mute: true}}
	v.socket = &socket{conn: p, dialect: lineDialect{}, timeout: s.config.WriteTimeout}
	p.visit = v
	started := false
	defer func() {
		if !started {
			v.abort()
			p.abandon()
		}
	}()
	v.open(r, key)
	started = true
	p.Start(nil, v)
}

// fallbackSend does what the texts of a request ask for. What they are answered is fetched.
func (s *Server) fallbackSend(w http.ResponseWriter, r *http.Request, target sockjs.Target) {
	p := s.findPipe(target.Conversation)
	if p == nil {
		s.sendElsewhere(w, r, target)
		return
	}
	defer s.leave()
	<-p.opened
	if err := p.speaks.take(r.Context()); err != nil {
		return // the client is gone
	}
	defer p.speaks.release() // a body at a time, in the order in which they came
	body, err := readBody(w, r, p.mostOfBody())
	if err == nil {
		err = p.say(body)
	}
	writeHeard(w, err)
}

// writeHeard answers a request that sends.
func writeHeard(w http.ResponseWriter, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// bodyOf is how many bytes a body may have whose longest text has so many: it may be twice as long there, and something stands around it.
func bodyOf(text int) int { return 2*text + 1<<10 }

// mostOfBody is bodyOf what the client may say; of one that was refused, or is gone, next to nothing.
func (p *pipe) mostOfBody() int { return bodyOf(p.visit.rules.MessageBytes) }

// say has the client say the texts of a body. The caller speaks for it.
func (p *pipe) say(body []byte) error {
	if p.isOver() || p.visit.conn == nil {
		return errNoConversation
	}
	texts, err := sockjs.DecodeTexts(body)
	if err != nil {
		return wire.Errorf(wire.CodeBadRequest, "%v", err)
	}
	p.heard()
	if len(texts) == 0 {
		p.beat()
	}
	if err := p.hearAll(texts); err != nil {
		_ = p.Close()
	}
	return nil
}

// errNoConversation is what a client is told whose conversation is not known.
var errNoConversation = wire.Errorf(wire.CodeSessionNotFound, "there is no such conversation, or no more")

// hearAll has the client say texts. The caller speaks for it. An error ends the connection.
func (p *pipe) hearAll(texts [][]byte) (err error) {
	err = errors.New("what was said panicked")
	defer p.server.recovered("read")
	for _, text := range texts {
		if p.isOver() {
			break
		}
		if most := p.visit.rules.MessageBytes; len(text) > most {
			p.visit.fault(wire.Errorf(wire.CodeFrameTooLarge, "a message has more than %d bytes", most))
			break
		}
		p.visit.hearText(text)
	}
	return nil
}

// heard notes that the client has come by, once it is let in.
func (p *pipe) heard() {
	if conn := p.visit.conn; conn != nil {
		conn.heard.Store(int64(momentOf(time.Now())))
	}
}
