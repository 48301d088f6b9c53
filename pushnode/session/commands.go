package session

import (
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
	replies, err := s.commands(w, r)
	if err != nil {
		writeError(w, s.shown("commands", err))
		return
	}
	writeBody(w, http.StatusOK, wire.AppendReplies(nil, replies))
}

func (s *Server) commands(w http.ResponseWriter, r *http.Request) ([][]byte, error) {
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
	session, err := s.sessionOf(read, commands.Session)
	if err != nil {
		return nil, err
	}
	replies, size := make([][]byte, len(commands.Items)), 0
	for i, item := range commands.Items {
		if size > repliesBytes {
			item.Err = wire.Errorf(wire.CodeAnswerFull, "the answers before have %d bytes: send this command again", size)
		}
		if replies[i], err = s.reply(r, session, read.grant, item); err != nil {
			return nil, err
		}
		size += len(replies[i])
	}
	return replies, nil
}

// repliesBytes is how much may be answered before the commands that are left are refused: pages of history are large. The
// client sends those again, so no other fault of a command may have their code.
const repliesBytes = 4 << 20

// sessionOf finds the session of a resume token, if the credential may speak for it.
func (s *Server) sessionOf(read request, resume string) (*Session, error) {
	token, ok := parseResume(resume)
	if !ok {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	session := s.sessions.find(channel.ID{App: read.grant.AppID, Name: token.session})
	if session == nil || !session.lasting || !equalHash(session.secret, token.hash()) || session.clientID != read.grant.ClientID {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	return session, nil
}

// reply does one command in the session's turn, as far as the grant of the request allows it: that of the session may be of a key
// which has been revoked since. An error is one of the whole request.
func (s *Server) reply(r *http.Request, session *Session, grant *auth.Grant, item wire.CommandItem) ([]byte, error) {
	if item.Err != nil {
		return wire.AppendErrorReply(nil, item.Ref, item.Err), nil
	}
	if err := session.take(r.Context()); err != nil {
		return nil, wire.NewError(wire.CodeUnavailable).Because(err)
	}
	defer session.release()
	if session.isEnded() {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	out, err := s.execute(r.Context(), session, grant, item.Command)
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
