package session

import (
	"context"

	"halley/pushnode/wire"
)

// Relay is commands for a session that this node does not hold: their client's request reached it by a balancer.
type Relay struct {
	App        string
	Session    string
	Credential string
	Body       []byte // of the request
}

// relay hands commands to the node that holds their session, and returns the answer to their client.
func (s *Server) relay(ctx context.Context, read request, resume string, body []byte) ([]byte, error) {
	token, ok := parseResume(resume)
	if !ok {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	return s.backend.Relay(ctx, Relay{App: read.grant.AppID, Session: token.session, Credential: read.credential, Body: body})
}

// Relayed does commands of a session of this node which reached another one, and returns the answer to their client. What may stand in
// a request was checked there.
func (s *Server) Relayed(ctx context.Context, credential string, body []byte) ([]byte, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	grant, err := s.authenticate(ctx, credential)
	if err != nil {
		return nil, err
	}
	commands, fault := wire.DecodeCommands(body)
	if fault != nil {
		return nil, fault
	}
	session, err := s.sessionOf(grant, commands.Session)
	if err != nil {
		return nil, err
	}
	return s.replies(ctx, session, grant, commands.Items)
}
