package session

import (
	"context"
	"slices"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// enterPresence makes the session a member of a channel, or changes what it shows there.
func (s *Server) enterPresence(ctx context.Context, session *Session, grant *auth.Grant, command wire.Command) (outcome, error) {
	if err := s.backend.Allow(grant, auth.OpPresence, command.Channel); err != nil {
		return outcome{}, err
	}
	app, err := s.backend.App(session.app)
	if err != nil {
		return outcome{}, err
	}
	if _, count := session.counts(); !session.isMember(command.Channel) && count >= app.ChannelsPerConnection {
		return outcome{}, wire.Errorf(wire.CodeLimitExceeded, "a session may be a member of %d channels", app.ChannelsPerConnection)
	}
	isNew := session.setMember(command.Channel, true)
	version, err := s.enterRecorded(ctx, session, command.Channel, session.memberID(), command.Data)
	if err != nil && isNew && !mayBeDone(err) {
		session.setMember(command.Channel, false)
	}
	s.touch(session) // also behind it: a grace that ended in between took the membership out of the record
	if err != nil {
		return outcome{}, err
	}
	return outcome{reply: wire.VersionReply{Channel: command.Channel, Version: version}}, nil
}

// enterRecorded has the record know before the channel does: a membership that no record knows would never end.
func (s *Server) enterRecorded(ctx context.Context, session *Session, name, member string, data []byte) (version uint64, err error) {
	s.touch(session)
	if err := s.writeRecord(ctx, session); err != nil {
		return 0, err
	}
	return s.backend.Enter(ctx, channel.EnterPresence{
		Channel: session.channelID(name), ClientID: member, Session: session.id,
		Generation: session.currentGeneration(), Data: data,
	})
}

// mayBeDone reports whether what an error is about may have been done all the same.
func mayBeDone(err error) bool {
	code := wire.AsError(err).Code
	return code == wire.CodeUnavailable || code == wire.CodeInternal
}

func (s *Server) leavePresence(ctx context.Context, session *Session, command wire.Command) (outcome, error) {
	version, err := s.backend.Leave(ctx, channel.LeavePresence{
		Channel: session.channelID(command.Channel), ClientID: session.memberID(), Session: session.id,
		Generation: session.currentGeneration(),
	})
	if err != nil {
		return outcome{}, err
	}
	if session.setMember(command.Channel, false) {
		s.touch(session)
	}
	return outcome{reply: wire.VersionReply{Channel: command.Channel, Version: version}}, nil
}

func (s *Server) members(ctx context.Context, session *Session, grant *auth.Grant, command wire.Command) (outcome, error) {
	if err := s.backend.Allow(grant, auth.OpPresence, command.Channel); err != nil {
		return outcome{}, err
	}
	members, version, err := s.backend.Members(ctx, session.channelID(command.Channel))
	if err != nil {
		return outcome{}, err
	}
	return outcome{reply: wire.MembersReply{Channel: command.Channel, Version: version, Members: membersOf(members)}}, nil
}

func (s *Session) isMember(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.presence, name)
}

// setMember notes whether the session is a member of a channel, and reports whether that is new.
func (s *Session) setMember(name string, member bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.presence, name) == member {
		return false
	}
	if member {
		s.presence = append(s.presence, name)
	} else {
		s.presence = slices.DeleteFunc(s.presence, func(one string) bool { return one == name })
	}
	return true
}
