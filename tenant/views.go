package tenant

import (
	"context"
	"time"

	"halley/auth"
)

// What the directory reads. It serves all tenants, so these statements are about apps of any account; everything read goes into
// the view of its own app.
const (
	sqlAppsSince = `SELECT app_id FROM apps WHERE revision > $1 ORDER BY revision, app_id`
	sqlAppsAfter = `SELECT app_id FROM apps WHERE app_id > $1 AND deleted_at = 0 ORDER BY app_id LIMIT $2`
	sqlAppOfKey  = `SELECT app_id FROM app_keys WHERE key_id = $1`
	sqlViewApps  = `SELECT a.app_id, a.account_id, a.name, a.origins, a.disabled, c.suspended, a.token_ttl, a.issuer,
		a.jwks_url, a.revision FROM apps a JOIN accounts c ON c.account_id = a.account_id WHERE a.deleted_at = 0 AND a.app_id IN `
	sqlViewPlans = `SELECT a.app_id, l.limit_name, l.value FROM apps a JOIN account_limits l ON l.account_id = a.account_id
		WHERE a.app_id IN `
	sqlViewLimits    = `SELECT app_id, limit_name, value FROM app_limits WHERE app_id IN `
	sqlViewRules     = `SELECT ` + ruleColumns + ` FROM channel_rules WHERE app_id IN `
	sqlViewKeys      = `SELECT ` + keyColumns + ` FROM app_keys WHERE (revoked_at = 0 OR revoked_at > $1) AND app_id IN `
	sqlViewTokenKeys = `SELECT account_id, app_id, token_key_id, sealed FROM token_keys WHERE app_id IN `
)

// appsSince lists the apps that changed after a revision.
func (s *Store) appsSince(ctx context.Context, revision int64) ([]string, error) {
	return collect(ctx, s.db, text, sqlAppsSince, revision)
}

// appsAfter lists the next page of apps.
func (s *Store) appsAfter(ctx context.Context, appID string, count int) ([]string, error) {
	return collect(ctx, s.db, text, sqlAppsAfter, appID, count)
}

// appOfKey finds the app of a key.
func (s *Store) appOfKey(ctx context.Context, keyID string) (appID string, err error) {
	err = s.db.QueryRowContext(ctx, sqlAppOfKey, keyID).Scan(&appID)
	return appID, storeError(err)
}

// loadViews reads the views of some apps; those that do not exist are left out. The apps are read first: whatever changes while
// the rest is read has a higher revision than the view, and is read again.
func (s *Store) loadViews(ctx context.Context, ids []string) (map[string]*AppView, error) {
	l := &loader{ctx: ctx, store: s, ids: make([]any, len(ids)), views: make(map[string]*AppView, len(ids))}
	for i, id := range ids {
		l.ids[i] = id
	}
	for _, step := range []func() error{l.apps, l.limits, l.rules, l.keys, l.tokenKeys, l.pushers, l.pusherKeys, l.webhooks} {
		if err := step(); err != nil {
			return nil, storeError(err)
		}
	}
	return l.views, nil
}

// loader reads views. It holds a context because it lives exactly as long as the call that it is of.
type loader struct {
	ctx   context.Context
	store *Store
	ids   []any
	views map[string]*AppView
}

// each runs a query over the loader's ids, which are its last parameters, and hands on every row.
func (l *loader) each(query string, row func(scan func(...any) error) error, first ...any) error {
	query += placeholders(len(first)+1, len(l.ids))
	_, err := collect(l.ctx, l.store.db, func(scan func(...any) error) (struct{}, error) {
		return struct{}{}, row(scan)
	}, query, append(first, l.ids...)...)
	return err
}

func (l *loader) apps() error {
	return l.each(sqlViewApps, func(scan func(...any) error) error {
		view := &AppView{Limits: DefaultLimits()}
		var origins string
		var disabled, suspended, ttl int64
		if err := scan(&view.ID, &view.AccountID, &view.Name, &origins, &disabled, &suspended, &ttl, &view.Trust.Issuer,
			&view.Trust.JWKSURL, &view.Revision); err != nil {
			return err
		}
		view.Suspended, view.Disabled = suspended != 0, suspended != 0 || disabled != 0
		view.Trust.MaxTTL = time.Duration(ttl) * time.Millisecond
		l.views[view.ID] = view
		return scanOrigins(origins, &view.Origins)
	})
}

// limits puts the account's values over the defaults, then the app's.
func (l *loader) limits() error {
	override := func(scan func(...any) error) error {
		var appID string
		var name LimitName
		var value int64
		err := scan(&appID, &name, &value)
		if view := l.views[appID]; view != nil {
			view.Limits.set(name, value)
		}
		return err
	}
	if err := l.each(sqlViewPlans, override); err != nil {
		return err
	}
	return l.each(sqlViewLimits, override)
}

func (l *loader) rules() error {
	err := l.each(sqlViewRules, func(scan func(...any) error) error {
		appID, rule, err := scanRule(scan)
		if view := l.views[appID]; view != nil {
			view.rules = append(view.rules, rule)
		}
		return err
	})
	for _, view := range l.views {
		byPrefix(view.rules)
	}
	return err
}

func (l *loader) keys() error {
	return l.each(sqlViewKeys, func(scan func(...any) error) error {
		row, err := scanKey(scan)
		if view := l.views[row.AppID]; view != nil && err == nil {
			view.Keys = append(view.Keys, row.view())
		}
		return err
	}, millis(time.Now().Add(-keptRevoked)))
}

// tokenKeys opens the sealed token secrets. One that cannot be opened is left out and logged: it must not take the app down.
func (l *loader) tokenKeys() error {
	return l.each(sqlViewTokenKeys, func(scan func(...any) error) error {
		var row sealedRow
		if err := scan(&row.accountID, &row.appID, &row.id, &row.sealed); err != nil {
			return err
		}
		key, err := l.store.openTokenKey(row)
		if err != nil {
			l.store.logger.Error("a token key cannot be opened", "app", row.appID, "key", row.id, "err", err)
			return nil
		}
		if view := l.views[row.appID]; view != nil {
			view.Trust.Keys = append(view.Trust.Keys, key)
		}
		return nil
	})
}

func (s *Store) openTokenKey(row sealedRow) (auth.TokenKey, error) {
	secret, err := s.seals.open(row.sealed, place(row.accountID, "token_keys", row.appID+"|"+row.id))
	if err != nil {
		return auth.TokenKey{}, err
	}
	return auth.NewHMACKey(row.id, secret)
}
