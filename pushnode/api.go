package pushnode

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"halley/auth"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/web"
)

// apiHandler is a call of the HTTP API by someone whose credential has been verified.
type apiHandler func(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error

// routes is the HTTP API: DESIGN.md's table of calls, in its order, then the transports and the files.
// webSocketPath is where WebSockets begin.
const webSocketPath = "/v1/ws"

func (n *Node) routes() http.Handler {
	router := chi.NewRouter()
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		n.refuse(w, r, wire.Errorf(wire.CodeNotFound, "there is nothing at %.200s", r.URL.Path))
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methodsAt(router, r))
		n.refuse(w, r, wire.Errorf(wire.CodeMethodNotAllowed, "%.20s is not a method of %.200s", r.Method, r.URL.Path))
	})
	router.Route("/v1", func(v1 chi.Router) {
		v1.Post("/channels/{channel}/messages", n.authorized(n.postMessage))
		v1.Post("/messages", n.authorized(n.postMessages))
		read(v1, "/channels/{channel}/messages", n.counted(n.getMessages))
		read(v1, "/channels", n.counted(n.getChannels))
		read(v1, "/channels/{channel}", n.counted(n.getChannel))
		read(v1, "/channels/{channel}/presence", n.counted(n.getPresence))
		v1.Post("/tokens", n.counted(n.postToken))
		v1.Delete("/sessions", n.counted(n.deleteSessions))
		read(v1, "/usage", n.counted(n.getUsage))
		read(v1, "/usage/hottest", n.counted(n.getHottest))

		v1.Get("/ws", n.sessions.WebSocket) // Handler comes first; here for Allow
		v1.Get("/sse", n.sessions.Events)
		v1.Get("/poll", n.sessions.Poll)
		v1.Post("/commands", n.sessions.Commands)
		v1.Options("/sse", n.sessions.Preflight)
		v1.Options("/poll", n.sessions.Preflight)
		v1.Options("/commands", n.sessions.Preflight)
		read(v1, "/openapi.yaml", web.OpenAPI)
	})
	router.HandleFunc("/apps/*", n.servePusher)
	router.HandleFunc("/users/*", n.servePusher)
	router.Get(session.PusherPath+"*", n.sessions.Pusher) // as /ws
	router.Post(session.FallbackPath+"*", n.sessions.Fallback)
	router.Options(session.FallbackPath+"*", n.sessions.Preflight)
	read(router, "/halley.js", web.Client().ServeHTTP)
	read(router, "/halley.mjs", web.Client().ServeHTTP)
	read(router, "/halley-pusher.js", web.Client().ServeHTTP)
	read(router, "/docs", web.Docs().ServeHTTP)
	read(router, "/docs/*", web.Docs().ServeHTTP)
	return router
}

// read routes what answers GET, and so HEAD: net/http leaves the body out. The transports answer no HEAD: it would open a
// session.
func read(router chi.Router, pattern string, handler http.HandlerFunc) {
	router.Get(pattern, handler)
	router.Head(pattern, handler)
}

// methodsAt lists the methods that the requested path has, as the header Allow wants them.
func methodsAt(router chi.Routes, r *http.Request) string {
	path := r.URL.EscapedPath()
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions} {
		if router.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

// authorized verifies the credential of a call, and answers for the error that the call returns.
func (n *Node) authorized(call apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		grant, err := n.caller(r)
		if err == nil {
			err = call(w, r, grant)
		}
		if err != nil {
			n.refuse(w, r, err)
		}
	}
}

// counted is authorized for calls that do not publish: they have a rate of their own.
func (n *Node) counted(call apiHandler) http.HandlerFunc {
	return n.authorized(func(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
		app, err := n.app(grant.AppID)
		if err != nil {
			return err
		}
		if refusal := n.limiter.Request(app, time.Now()); refusal != nil {
			return limitError(refusal)
		}
		return call(w, r, grant)
	})
}

// caller verifies the credential of a request: Bearer, or the user name of Basic, or (what a browser may show) the query.
func (n *Node) caller(r *http.Request) (*auth.Grant, error) {
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	credential, err := session.Credential(r, query)
	if err != nil {
		return nil, err
	}
	if credential == "" {
		return nil, wire.Errorf(wire.CodeUnauthorized, "send a key or token: Authorization: Bearer …")
	}
	return n.Authenticate(r.Context(), credential)
}
