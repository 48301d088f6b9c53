package session

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"halley/auth"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// PusherPath is where sockets of Pusher's begin; the key of the app follows.
const PusherPath = "/app/"

// The versions of Pusher's protocol that are spoken. What differs between them does not concern a server.
const (
	leastPusherProtocol = 4
	lastPusherProtocol  = 7
)

// Pusher serves GET /app/{key}, the socket of Pusher's clients (Pusher protocol, "Making a connection"). Who may not connect is told so
// after the handshake, as an event and by the close: a client that is refused before tries again for ever. The connection outlives the
// handler.
func (s *Server) Pusher(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("pusher")
	if !wantsWebSocket(w, r) {
		return
	}
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	v := &pusherVisit{visit: visit{server: s}}
	started := false
	defer func() {
		if !started {
			v.abort()
		}
	}()
	early, err := v.accept(w, r, false)
	if err != nil {
		return // the library has answered
	}
	v.client.placed = r.URL.Query().Get(placedParameter) == "1"
	v.socket.dialect = pusherDialect{placed: v.client.placed}
	v.open(r, strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, PusherPath), "/"))
	started = true
	v.socket.conn.Start(early, v)
}

// pusherVisit is a visit of a client of Pusher's.
type pusherVisit struct {
	visit
	client pusherClient
}

// pusherClient is what a connection of Pusher's has beside its session. Who has the session's turn owns it.
type pusherClient struct {
	app    PusherApp
	keyed  *auth.Grant       // what the key allows
	users  map[string]string // the ids under which it is a member, by channel
	member string            // the client id of the session's record; empty: there is no record
	user   *pusher.Member    // who it signed in as; nil: nobody. Written under Session.mu as well
	events eventRate
	placed bool // it is told where events stand, so that it can resume

	earlier atomic.Pointer[[]string] // its earlier socket ids; nil: it told none

	watchlist *watchlist // of who signed in; nil: it watches nobody
}

// transport is how metrics name the client's.
func (v *pusherVisit) transport() string {
	if v.mute {
		return transportFallback
	}
	return transportPusher
}

// open connects the client, whose request names a key by its path.
func (v *pusherVisit) open(r *http.Request, key string) {
	if err := checkPusherRequest(r, key); err != nil {
		v.refuse(err)
		return
	}
	app, err := v.admitPusher(r, key)
	if err != nil {
		v.refuse(err)
		return
	}
	v.rules.MessageBytes = pusherMessageBytes(app, v.client.app)
	open := opening{grant: v.client.keyed, credential: key, id: newSocketID()}
	v.join(app, open, v.transport(), r.Header.Get("Origin") != "", &v.client)
}

// pusherMessageBytes is how long a frame may be: a client event may be twice as long as it stands there.
func pusherMessageBytes(app App, pushers PusherApp) int {
	return max(app.MessageBytes, 2*pushers.EventBytes) + wire.EnvelopeBytes
}

// checkPusherRequest refuses what is no key, and a protocol that is not spoken.
func checkPusherRequest(r *http.Request, key string) error {
	version := r.URL.Query().Get("protocol")
	number, err := strconv.Atoi(version)
	switch {
	case key == "" || strings.Contains(key, "/"):
		return pusherFault(pusher.CodePath)
	case version == "":
		return pusherFault(pusher.CodeNoProtocol)
	case err != nil:
		return pusherFault(pusher.CodeVersionFormat)
	case number < leastPusherProtocol || number > lastPusherProtocol:
		return pusherFault(pusher.CodeProtocol)
	}
	return nil
}

// admitPusher looks the app of a key up, and whether its pages may connect.
func (v *pusherVisit) admitPusher(r *http.Request, key string) (App, error) {
	found, err := v.server.backend.PusherApp(key)
	if err != nil {
		return App{}, err
	}
	app, err := v.server.backend.App(found.AppID)
	if err != nil {
		return App{}, err
	}
	v.client.app = found
	v.client.keyed = &auth.Grant{Kind: auth.KindPublishable, AppID: found.AppID}
	return app, v.server.admitOrigin(r, app)
}

// grantFor is by what the client is judged on a channel that it may be on.
func (c *pusherClient) grantFor(name string) *auth.Grant {
	if pusher.KindOf(name).Is(pusher.Private) {
		return c.signed()
	}
	return c.keyed
}

// signed is what a signature allows, on its channel. It is made anew each time: few are needed at a time, and a connection would keep it.
func (c *pusherClient) signed() *auth.Grant {
	return &auth.Grant{Kind: auth.KindToken, AppID: c.app.AppID, Scopes: everything}
}

// everything is the capability of who was let onto a channel by its app's own server.
var everything = []auth.Capability{auth.AllowAll()}

// pusherFault is an error of Pusher's protocol alone.
func pusherFault(code pusher.Code) *wire.Error {
	return &wire.Error{Code: wire.Code(code), Message: code.Text()}
}

// regrantPusher looks again at what a client may that is connected by a key. The caller has the session's turn.
func (s *Server) regrantPusher(session *Session, conn *connection, key string) error {
	app, err := s.backend.PusherApp(key)
	if err != nil {
		return err
	}
	if app.AppID != session.app {
		return wire.NewError(wire.CodeAppNotFound)
	}
	conn.pusher.app = app
	for _, sub := range session.subscriptions() {
		name := sub.entry.id.Name
		if !app.SubscriptionCounts {
			s.counts.forget(sub.entry.id)
		}
		s.countPusher(session, conn.pusher, name)
		sub.entry.setRule(s.backend.Rule(sub.entry.id))
		if pusher.KindOf(name).Is(pusher.User) {
			continue // that it signed in does not pass
		}
		if err := s.backend.Allow(conn.pusher.grantFor(name), auth.OpSubscribe, name); err != nil {
			s.unsubscribe(session, name)
			conn.push(&wire.Unsubscribed{Channel: name, Err: wire.AsError(err)})
		}
	}
	return nil
}
