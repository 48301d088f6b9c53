package session

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// request is what every transport reads from a request: who asks, and the parameters.
type request struct {
	values     url.Values
	credential string
	grant      *auth.Grant // nil where there is no credential
	app        App
}

// readRequest reads the query, which may have the parameters named and a credential, and verifies the credential.
func (s *Server) readRequest(r *http.Request, parameters ...string) (request, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return request{}, wire.Errorf(wire.CodeBadRequest, "the query is not well percent-encoded")
	}
	for name, given := range values {
		if name == "key" || name == "token" {
			continue
		}
		if !slices.Contains(parameters, name) {
			return request{}, wire.Errorf(wire.CodeUnknownField, "%.60q is not a parameter of this call", name)
		}
		if len(given) > 1 && name != "channel" {
			return request{}, wire.Errorf(wire.CodeInvalidField, "%s is given %d times", name, len(given))
		}
	}
	read := request{values: values}
	if read.credential, err = credentialOf(r, values); err != nil || read.credential == "" {
		return read, err
	}
	read.grant, read.app, err = s.admit(r, read.credential)
	return read, err
}

// admit verifies a credential, and the origin by the list of its app.
func (s *Server) admit(r *http.Request, credential string) (*auth.Grant, App, error) {
	if err := checkExposed(r, credential); err != nil {
		return nil, App{}, err
	}
	grant, err := s.authenticate(r.Context(), credential)
	if err != nil {
		return nil, App{}, err
	}
	app, err := s.backend.App(grant.AppID)
	if err != nil {
		return nil, App{}, err
	}
	return grant, app, s.admitOrigin(r, app)
}

// authenticate verifies a credential. One that has ended may still be within the leeway that clocks are given: a connection would
// end as soon as it began.
func (s *Server) authenticate(ctx context.Context, credential string) (*auth.Grant, error) {
	grant, err := s.backend.Authenticate(ctx, credential)
	if err == nil && !grant.ExpiresAt.IsZero() && !time.Now().Before(grant.ExpiresAt) {
		return nil, wire.NewError(wire.CodeTokenExpired)
	}
	return grant, err
}

// readStream reads the request of a stream or poll, up to what its session is opened with.
func (s *Server) readStream(r *http.Request, parameters ...string) (request, opening, error) {
	read, err := s.readRequest(r, append(parameters, "channel", "cursor", "rewind", "session", "presence")...)
	if err != nil {
		return read, opening{}, err
	}
	if read.grant == nil {
		return read, opening{}, wire.NewError(wire.CodeUnauthorized)
	}
	open := opening{grant: read.grant, credential: read.credential, channels: distinct(read.values["channel"])}
	if open.rewind, err = wholeNumber(read.values, "rewind", wire.MaxRewind); err != nil {
		return read, open, err
	}
	switch presence := read.values.Get("presence"); presence {
	case "", "false":
	case "true":
		open.presence = true
	default:
		return read, open, wire.Errorf(wire.CodeInvalidField, "presence is %.40q: true or false is wanted", presence)
	}
	if session := read.values.Get("session"); session != "" {
		open.lasting = true
		if session != "new" {
			open.resume = session
		}
	}
	if open.cursor, err = cursorOf(r, read.values, open.channels); err != nil {
		return read, open, err
	}
	if len(open.channels)+len(open.cursor) == 0 && !open.lasting {
		return read, open, wire.Errorf(wire.CodeMissingField, "channel is missing: name at least one")
	}
	return read, open, s.mayFollowAll(read, open)
}

// cursorOf reads Last-Event-ID, which an EventSource sends by itself, or else the parameter.
func cursorOf(r *http.Request, values url.Values, channels []string) (wire.Cursor, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = values.Get("cursor")
	}
	only := ""
	if len(channels) == 1 {
		only = channels[0]
	}
	cursor, fault := wire.ParseCursor(text, only)
	if fault != nil {
		return nil, fault
	}
	return cursor, nil
}

// mayFollowAll refuses a request one of whose channels may not be followed.
func (s *Server) mayFollowAll(read request, open opening) error {
	if len(open.channels) > read.app.ChannelsPerConnection {
		return tooManyChannels(read.app.ChannelsPerConnection)
	}
	for _, name := range open.channels {
		if err := s.backend.Allow(open.grant, auth.OpSubscribe, name); err != nil {
			return err
		}
		if !open.presence {
			continue
		}
		if err := s.backend.Allow(open.grant, auth.OpPresence, name); err != nil {
			return err
		}
	}
	return nil
}

// only is the channel for which a bare position will do as a cursor: the request names it and no other, and so must every later
// one, since it has no session that remembers.
func (o opening) only() string {
	if len(o.channels) == 1 && !o.lasting {
		return o.channels[0]
	}
	return ""
}

func wholeNumber(values url.Values, name string, most int) (int, error) {
	text := values.Get(name)
	if text == "" {
		return 0, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number > most {
		return 0, wire.Errorf(wire.CodeInvalidField, "%s is %.40q: a whole number from 0 to %d is wanted", name, text, most)
	}
	return number, nil
}

// distinct is each of the names once, and without the request that they came in: its streams keep them.
func distinct(names []string) []string {
	var list []string
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, strings.Clone(name))
		}
	}
	return list
}
