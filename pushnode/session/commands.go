package session

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// Commands serves POST /v1/commands, what a client of a stream or poll says: section 5.3 of web/docs/protocol.md.
func (s *Server) Commands(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("commands")
	allowOrigin(w, r)
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	defer s.leave()
	answer, err := s.commands(w, r)
	if err != nil {
		writeError(w, s.shown("commands", err))
		return
	}
	writeBody(w, http.StatusOK, answer)
}

func (s *Server) commands(w http.ResponseWriter, r *http.Request) (answer []byte, err error) {
	read, err := s.readRequest(r)
	if err != nil {
		return nil, err
	}
	if read.grant == nil {
		return nil, wire.NewError(wire.CodeUnauthorized)
	}
	body, err := readBody(w, r, read.app.MessageBytes+wire.EnvelopeBytes)
	if err != nil {
		return nil, err
	}
	read.app.Meter.Received(len(body))
	commands, fault := wire.DecodeCommands(body)
	if fault != nil {
		return nil, fault
	}
	session, err := s.sessionOf(read.grant, commands.Session)
	if errors.Is(err, wire.CodeSessionNotFound) {
		return s.relay(r.Context(), read, commands.Session, body)
	}
	if err != nil {
		return nil, err
	}
	return s.replies(r.Context(), session, read.grant, commands.Items)
}

// replies does commands in order and returns the answer to their client. What they changed of the session is in its record by then: the
// client's next poll may reach another node, which knows the record alone.
func (s *Server) replies(ctx context.Context, session *Session, grant *auth.Grant, items []wire.CommandItem) (answer []byte, err error) {
	replies, size := make([][]byte, len(items)), 0
	for i, item := range items {
		if size > repliesBytes {
			item.Err = wire.Errorf(wire.CodeAnswerFull, "the answers before have %d bytes: send this command again", size)
		}
		if replies[i], err = s.reply(ctx, session, grant, item); err != nil {
			return nil, err
		}
		size += len(replies[i])
	}
	if err := s.recordNow(ctx, session); err != nil {
		return nil, err
	}
	return wire.AppendReplies(nil, replies), nil
}

// recordNow has the record show what the session follows.
func (s *Server) recordNow(ctx context.Context, session *Session) error {
	if !session.isDirty() {
		return nil
	}
	return s.inTurn(ctx, session, func() error {
		switch {
		case session.isElsewhere():
			return wire.NewError(wire.CodeSessionNotFound) // where it is nobody knows of what they changed
		case session.isEnded():
			return nil // by one of these commands, or while they were done: nothing is to be recorded
		default:
			return s.writeRecord(ctx, session)
		}
	})
}

// inTurn does something in the session's turn. Where it fails since the record is of a later generation, the session's next connection
// may only have waited for that turn: then it is done again after it. It must be such that this does no harm.
func (s *Server) inTurn(ctx context.Context, session *Session, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	for {
		if err := session.take(ctx); err != nil {
			return wire.NewError(wire.CodeUnavailable).Because(err)
		}
		generation := session.currentGeneration()
		err := do()
		ended := session.isEnded() && !session.isElsewhere()
		session.release()
		if ended || !errors.Is(err, wire.CodeSessionNotFound) {
			return err
		}
		s.awaitAttached(ctx, session)
		if session.currentGeneration() == generation {
			return moving(err) // it is found where it went
		}
	}
}

// moving is what a client is told whose session is another node's since its request came in.
func moving(cause error) error {
	return wire.Errorf(wire.CodeUnavailable, "the session moves to another node just now: try again").Because(cause)
}

// repliesBytes is how much may be answered before the commands that are left are refused: pages of history are large. The
// client sends those again, so no other fault of a command may have their code.
const repliesBytes = 4 << 20

// sessionOf finds the session of a resume token, if the credential may speak for it.
func (s *Server) sessionOf(grant *auth.Grant, resume string) (*Session, error) {
	token, ok := parseResume(resume)
	if !ok {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	session := s.sessions.find(channel.ID{App: grant.AppID, Name: token.session})
	if session == nil || !session.lasting || !equalHash(session.secret, token.hash()) || session.clientID != grant.ClientID {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	return session, nil
}

// reply does one command in the session's turn, as far as the grant of the request allows it: that of the session may be of a key
// which has been revoked since. An error is one of the whole request.
func (s *Server) reply(ctx context.Context, session *Session, grant *auth.Grant, item wire.CommandItem) ([]byte, error) {
	if item.Err != nil {
		return wire.AppendErrorReply(nil, item.Ref, item.Err), nil
	}
	var answer []byte
	err := s.inTurn(ctx, session, func() (err error) {
		answer, err = s.replyInTurn(ctx, session, grant, item)
		return err
	})
	return answer, err
}

func (s *Server) replyInTurn(ctx context.Context, session *Session, grant *auth.Grant, item wire.CommandItem) ([]byte, error) {
	if session.isElsewhere() || session.isEnded() {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	out, err := s.execute(ctx, session, grant, item.Command)
	if errors.Is(err, wire.CodeSessionNotFound) {
		return nil, err
	}
	if err != nil {
		return wire.AppendErrorReply(nil, item.Ref, s.shown(string(item.Op), err)), nil
	}
	if out.begin != nil {
		out.begin()
	}
	return wire.AppendReply(nil, item.Ref, out.reply), nil
}

// readBody reads a JSON body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	given := r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
		return nil, wire.Errorf(wire.CodeUnsupportedMediaType, "Content-Type is %.60q: send application/json", given)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, wire.Errorf(wire.CodeUnsupportedEncoding, "Content-Encoding %.40q is not supported here", encoding)
	}
	if err := AnnouncedBody(w, r, limit); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	if err == nil {
		return body, nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, BodyTooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, wire.NewError(wire.CodeBodyTimeout)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, wire.NewError(wire.CodeBodyTruncated)
	}
	return nil, wire.Errorf(wire.CodeBadRequest, "the body could not be read: its transfer is broken")
}

// AnnouncedBody refuses a body that says itself that it has more than limit bytes, for the calls beside the transports too. It does
// so at once: what is left unread of a body would else be waited for before the answer goes out.
func AnnouncedBody(w http.ResponseWriter, r *http.Request, limit int) error {
	if r.ContentLength <= int64(limit) {
		return nil
	}
	w.Header().Set("Connection", "close")
	return BodyTooLarge(limit)
}

// BodyTooLarge is what a body of more than limit bytes is answered.
func BodyTooLarge(limit int) error {
	return wire.Errorf(wire.CodeMessageTooLarge, "the body has more than %d bytes", limit)
}
