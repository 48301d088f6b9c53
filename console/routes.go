package console

import (
	"fmt"
	"net/http"
)

// access says who may call a route.
type access int

const (
	forAnybody access = iota
	forUsers          // who is logged in
	forApp            // who is logged in, on an app of their account: {app} of the path
)

// route is one row of the table of pages. Tests walk the table: what holds for every route is checked for every route.
type route struct {
	pattern string // of http.ServeMux
	access  access
	fresh   bool // the password must have been typed within freshness
	handle  func(s *Server, w http.ResponseWriter, r *http.Request, v *visit) error
}

// routes is every page and every form of the console. A GET changes nothing.
func routes() []route {
	return []route{
		{"GET /{$}", forAnybody, false, (*Server).home},
		{"GET /static/{file}", forAnybody, false, (*Server).static},

		{"GET /signup", forAnybody, false, (*Server).signUpPage},
		{"POST /signup", forAnybody, false, (*Server).signUp},
		{"GET /confirm", forAnybody, false, (*Server).confirmPage},
		{"POST /confirm", forAnybody, false, (*Server).confirm},
		{"GET /login", forAnybody, false, (*Server).logInPage},
		{"POST /login", forAnybody, false, (*Server).logIn},
		{"POST /logout", forAnybody, false, (*Server).logOut},
		{"GET /reset", forAnybody, false, (*Server).resetPage},
		{"POST /reset", forAnybody, false, (*Server).reset},
		{"GET /reset/password", forAnybody, false, (*Server).resetPasswordPage},
		{"POST /reset/password", forAnybody, false, (*Server).resetPassword},

		{"GET /reauth", forUsers, false, (*Server).reauthPage},
		{"POST /reauth", forUsers, false, (*Server).reauth},
		{"GET /account", forUsers, false, (*Server).accountPage},
		{"POST /account/password", forUsers, false, (*Server).changePassword},
		{"POST /account/sessions/{session}/end", forUsers, false, (*Server).endSession},

		{"GET /apps", forUsers, false, (*Server).appsPage},
		{"GET /apps/new", forUsers, false, (*Server).newAppPage},
		{"POST /apps", forUsers, false, (*Server).createApp},
		{"GET /apps/{app}", forApp, false, (*Server).overviewPage},
		{"POST /apps/{app}/publish", forApp, false, (*Server).publish},
		{"POST /apps/{app}/live", forApp, false, (*Server).liveToken},

		{"GET /apps/{app}/keys", forApp, false, (*Server).keysPage},
		{"POST /apps/{app}/keys", forApp, true, (*Server).createKey},
		{"GET /apps/{app}/keys/{key}", forApp, false, (*Server).keyPage},
		{"POST /apps/{app}/keys/{key}/roll", forApp, true, (*Server).rollKey},
		{"POST /apps/{app}/keys/{key}/revoke", forApp, true, (*Server).revokeKey},

		{"GET /apps/{app}/rules", forApp, false, (*Server).rulesPage},
		{"POST /apps/{app}/rules", forApp, false, (*Server).setRule},
		{"POST /apps/{app}/rules/remove", forApp, false, (*Server).removeRule},

		{"GET /apps/{app}/pusher", forApp, false, (*Server).pusherPage},
		{"POST /apps/{app}/pusher/switch", forApp, true, (*Server).switchPusher},
		{"POST /apps/{app}/pusher/settings", forApp, false, (*Server).setPusher},
		{"POST /apps/{app}/pusher/bring", forApp, true, (*Server).bringPusher},
		{"POST /apps/{app}/pusher/keys", forApp, true, (*Server).createPusherKey},
		{"GET /apps/{app}/pusher/keys/{pusher}", forApp, false, (*Server).pusherKeyPage},
		{"POST /apps/{app}/pusher/keys/{pusher}/show", forApp, true, (*Server).showPusherSecret},
		{"POST /apps/{app}/pusher/keys/{pusher}/roll", forApp, true, (*Server).rollPusherKey},
		{"POST /apps/{app}/pusher/keys/{pusher}/revoke", forApp, true, (*Server).revokePusherKey},

		{"GET /apps/{app}/webhooks", forApp, false, (*Server).webhooksPage},
		{"POST /apps/{app}/webhooks", forApp, false, (*Server).addWebhook},
		{"GET /apps/{app}/webhooks/{webhook}", forApp, false, (*Server).webhookPage},
		{"POST /apps/{app}/webhooks/{webhook}", forApp, false, (*Server).setWebhook},
		{"POST /apps/{app}/webhooks/{webhook}/switch", forApp, false, (*Server).switchWebhook},
		{"POST /apps/{app}/webhooks/{webhook}/test", forApp, false, (*Server).testWebhook},
		{"POST /apps/{app}/webhooks/{webhook}/remove", forApp, false, (*Server).removeWebhook},
		{"GET /apps/{app}/deliveries/{delivery}", forApp, false, (*Server).deliveryPage},
		{"POST /apps/{app}/deliveries/{delivery}/resend", forApp, false, (*Server).resendDelivery},

		{"GET /apps/{app}/settings", forApp, false, (*Server).settingsPage},
		{"POST /apps/{app}/settings/name", forApp, false, (*Server).renameApp},
		{"POST /apps/{app}/settings/origins", forApp, false, (*Server).setOrigins},
		{"POST /apps/{app}/settings/token-keys/secret", forApp, true, (*Server).addTokenSecret},
		{"POST /apps/{app}/settings/token-keys/url", forApp, true, (*Server).addTokenURL},
		{"POST /apps/{app}/settings/token-keys/{key}/remove", forApp, true, (*Server).removeTokenKey},
	}
}

// newHandler puts the table behind the checks that hold for every request.
func (s *Server) newHandler() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, route := range routes() {
		mux.Handle(route.pattern, s.visiting(route))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, nil, errNoPage) })

	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(s.public.String()); err != nil {
		return nil, fmt.Errorf("trust the public URL: %w", err)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, nil, errForeignForm)
	}))
	return s.guarded(protection.Handler(mux)), nil
}
