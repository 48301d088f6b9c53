package session

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"halley/pushnode/sockjs"
	"halley/pushnode/wire"
)

// FallbackPath is where the fallbacks of Pusher's clients begin.
const FallbackPath = sockjs.Prefix

// Fallback serves POST /pusher/app/{key}/{server}/{session}/{call}, to which pusher-js turns where its WebSocket does not get through: the
// same conversation over several requests (package sockjs). All of those must reach this node.
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
	p, isNew, err := s.findOrAddPipe(target.Conversation)
	if err != nil {
		writeError(w, err)
		return
	}
	defer s.leave()
	if isNew {
		s.openPipe(p, r, target.Key)
	}
	<-p.opened
	p.heard()
	fetcher := p.attend()
	defer fetcher.leave(r.RemoteAddr)
	header := w.Header()
	eventHeader(header)
	header.Set("Content-Type", "application/javascript; charset=UTF-8")
	if target.Call == sockjs.CallStream {
		err = fetcher.stream(w, r)
	} else {
		err = fetcher.answer(w, r)
	}
	if err != nil { // what was fetched is lost: the client begins anew
		p.abandon()
	}
}

// openPipe lets the client in, or refuses it: it is told so either way.
func (s *Server) openPipe(p *pipe, r *http.Request, key string) {
	defer close(p.opened)
	v := &pusherVisit{visit: visit{server: s, mute: true}, transport: transportFallback}
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

// stream writes lines as they come. It ends where the client leaves it by itself, since it is long: what comes then is fetched by its next
// request.
func (f *fetcher) stream(w http.ResponseWriter, r *http.Request) error {
	lines, left, over := sockjs.Prelude, sockjs.MaxStreamUnits-len(sockjs.Prelude), false
	for {
		if err := f.pipe.server.writeLines(w, lines); err != nil || over || left < 0 {
			return err
		}
		var units int
		lines, units, over = f.await(r.Context(), left)
		if r.Context().Err() != nil {
			return lostLines(lines)
		}
		left -= units
	}
}

// answer writes the lines that there are, or the first that come.
func (f *fetcher) answer(w http.ResponseWriter, r *http.Request) error {
	lines, _, _ := f.await(r.Context(), sockjs.MaxStreamUnits)
	if r.Context().Err() != nil {
		return lostLines(lines)
	}
	if len(lines) == 0 { // another request has taken its place, or the client's next one begins anew
		lines = []byte(sockjs.Heartbeat)
	}
	return f.pipe.server.writeLines(w, lines)
}

// await is fetch for at most PingInterval: then there is a heartbeat.
func (f *fetcher) await(ctx context.Context, most int) (lines []byte, units int, over bool) {
	ctx, cancel := context.WithTimeout(ctx, f.pipe.server.config.PingInterval)
	defer cancel()
	if lines, units, over = f.fetch(ctx, most); len(lines) > 0 || over {
		return lines, units, over
	}
	f.pipe.beat()
	return f.take(most)
}

// lostLines is an error where somebody who is gone had fetched something.
func lostLines(lines []byte) error {
	if len(lines) == 0 || string(lines) == sockjs.Heartbeat {
		return nil
	}
	return net.ErrClosed
}

// writeLines sends lines. The deadline is renewed for each write: an answer outlives the server's WriteTimeout.
func (s *Server) writeLines(w http.ResponseWriter, lines []byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(s.config.WriteTimeout)); err != nil {
		return err
	}
	if _, err := w.Write(lines); err != nil {
		return err
	}
	return control.Flush()
}

// fallbackSend does what the texts of a request ask for. What they are answered is fetched.
func (s *Server) fallbackSend(w http.ResponseWriter, r *http.Request, target sockjs.Target) {
	p := s.findPipe(target.Conversation)
	if p == nil {
		writeError(w, wire.Errorf(wire.CodeSessionNotFound, "no client of this node has this conversation"))
		return
	}
	defer s.leave()
	<-p.opened
	if err := p.speaks.take(r.Context()); err != nil {
		return // the client is gone
	}
	defer p.speaks.release() // a body at a time, in the order in which they came
	texts, err := p.readTexts(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	p.heard()
	if len(texts) == 0 {
		p.beat()
	}
	if err := p.hearAll(texts); err != nil {
		_ = p.Close()
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// envelopeOfTexts is what stands around the text of a body.
const envelopeOfTexts = 1 << 10

// readTexts reads the body of a request that sends. A text may be twice as long there as it is.
func (p *pipe) readTexts(w http.ResponseWriter, r *http.Request) ([][]byte, error) {
	if p.isOver() || p.visit.conn == nil {
		return nil, wire.Errorf(wire.CodeSessionNotFound, "this conversation is over")
	}
	body, err := readBody(w, r, 2*p.visit.rules.MessageBytes+envelopeOfTexts)
	if err != nil {
		return nil, err
	}
	texts, err := sockjs.DecodeTexts(body)
	if err != nil {
		return nil, wire.Errorf(wire.CodeBadRequest, "%v", err)
	}
	return texts, nil
}

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
