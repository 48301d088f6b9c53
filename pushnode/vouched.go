package pushnode

import (
	"context"
	"slices"
	"time"

	"halley/auth"
	"halley/pushnode/http1"
	"halley/tenant"
)

// vouched is a key that a connection has shown, and what was found of it: it holds while the settings of its app are the same. They are
// one immutable view, the keys among them, which is replaced as a whole when anything changes.
type vouched struct {
	grant *auth.Grant
	app   *tenant.AppView
}

// authenticateAgain is Authenticate for a connection that most often shows the same key as before: then the key need not be read, hashed
// and looked for again. It returns the app's settings too.
func (n *Node) authenticateAgain(
	ctx context.Context, credential string, r *http1.Request,
) (grant *auth.Grant, app *tenant.AppView, err error) {
	if known, found := (*r.Kept).(*vouched); found && r.Again && n.stillVouched(known, r.Now) {
		return known.grant, known.app, nil
	}
	*r.Kept = nil
	if grant, err = n.Authenticate(ctx, credential); err != nil {
		return nil, nil, err
	}
	if app, err = n.app(grant.AppID); err != nil {
		return nil, nil, err
	}
	if vouched := vouch(credential, app, r.Now); vouched != nil {
		*r.Kept = vouched
	}
	return grant, app, nil
}

// stillVouched reports whether Authenticate would find the same as before. It notes the key's use as that does.
func (n *Node) stillVouched(known *vouched, now time.Time) bool {
	app, err := n.directory.App(known.grant.AppID)
	if err != nil || app != known.app || app.Disabled || n.refusing.Load() {
		return false
	}
	if end := known.grant.ExpiresAt; !end.IsZero() && !now.Before(end) {
		return false
	}
	n.directory.KeyUsed(known.grant.AppID, known.grant.KeyID, now)
	return true
}

// vouch finds the key of a credential in settings of its app. nil: it is a token, or not, or not any more, among them.
func vouch(credential string, app *tenant.AppView, now time.Time) *vouched {
	text, err := auth.ParseKey(credential)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(app.Keys, func(key auth.Key) bool { return key.ID == text.ID })
	if i < 0 {
		return nil
	}
	grant, err := app.Keys[i].Verify(text, now)
	if err != nil {
		return nil
	}
	return &vouched{grant: grant, app: app}
}
