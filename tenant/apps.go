package tenant

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"halley/auth"
)

// Label says what an app is for. It changes nothing but who may manage it.
type Label string

// The labels.
const (
	Development Label = "development"
	Staging     Label = "staging"
	Production  Label = "production"
)

// Bounds of what one account may have, so that none fills the directory.
const (
	MaxApps    = 100 // of one account
	MaxOrigins = 50  // of one app
)

// App is what push nodes keep apart: channels of two apps never meet.
type App struct {
	ID        string
	AccountID string
	Name      string
	Label     Label
	Origins   []string // where browsers may come from; empty: anywhere
	Disabled  bool
	TokenTTL  time.Duration // the longest life of a token
	Issuer    string        // iss of tokens signed by the app's own keys; empty: any
	JWKSURL   string        // where the app publishes its keys; empty: nowhere
	CreatedAt time.Time
	CreatedBy string // user id, or "operator"
}

// AppForm is what can be said of an app.
type AppForm struct {
	Name     string
	Label    Label         // empty: development
	Origins  []string      // https://example.com, https://*.example.com (one label), with the port where it is not the scheme's
	Disabled bool          //
	TokenTTL time.Duration // 0: 24 h
	Issuer   string
	JWKSURL  string // https
}

const (
	appColumns = `account_id, app_id, name, label, origins, disabled, token_ttl, issuer, jwks_url, created_at, created_by`

	sqlApps      = `SELECT ` + appColumns + ` FROM apps WHERE account_id = $1 AND deleted_at = 0 ORDER BY name, app_id`
	sqlApp       = `SELECT ` + appColumns + ` FROM apps WHERE account_id = $1 AND app_id = $2 AND deleted_at = 0`
	sqlAppByName = `SELECT ` + appColumns + ` FROM apps WHERE account_id = $1 AND name = $2 AND deleted_at = 0`
	sqlCountApps = `SELECT COUNT(*) FROM apps WHERE account_id = $1 AND deleted_at = 0`
	sqlAddApp    = `INSERT INTO apps (` + appColumns + `, revision, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)`
	sqlSetApp = `UPDATE apps SET name = $3, label = $4, origins = $5, disabled = $6, token_ttl = $7, issuer = $8, jwks_url = $9
		WHERE account_id = $1 AND app_id = $2 AND deleted_at = 0`
	sqlDeleteApp = `UPDATE apps SET deleted_at = $3 WHERE account_id = $1 AND app_id = $2 AND deleted_at = 0`
)

// check returns the form with what was left out filled in, or an *InvalidError.
func (f AppForm) check() (AppForm, error) {
	var err error
	if f.Name, err = checkName("name", f.Name); err != nil {
		return f, err
	}
	if f.Label == "" {
		f.Label = Development
	}
	if f.Label != Development && f.Label != Staging && f.Label != Production {
		return f, invalid("label", "a label is development, staging or production")
	}
	if f.TokenTTL == 0 {
		f.TokenTTL = auth.MaxTokenTTL
	}
	if f.TokenTTL < time.Minute || f.TokenTTL > auth.MaxTokenTTL {
		return f, invalid("token_ttl", "from 1m to %v", auth.MaxTokenTTL)
	}
	if f.Origins, err = checkOrigins(f.Origins); err != nil {
		return f, err
	}
	if len(f.Issuer) > 200 || !utf8.ValidString(f.Issuer) || strings.ContainsFunc(f.Issuer, func(r rune) bool { return r < ' ' }) {
		return f, invalid("issuer", "at most 200 characters")
	}
	return f, checkJWKSURL(f.JWKSURL)
}

func checkJWKSURL(text string) error {
	if text == "" {
		return nil
	}
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || address.Host == "" || address.User != nil || len(text) > 1000 ||
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid("jwks_url", "an address that begins with https://")
	}
	return nil
}

func checkOrigins(origins []string) ([]string, error) {
	list := make([]string, 0, len(origins))
	for _, origin := range origins {
		origin = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(origin), "/"))
		if origin == "" {
			continue
		}
		if err := checkOrigin(origin); err != nil {
			return nil, err
		}
		if !slices.Contains(list, origin) {
			list = append(list, origin)
		}
	}
	if len(list) > MaxOrigins {
		return nil, invalid("origins", "at most %d", MaxOrigins)
	}
	return list, nil
}

func checkOrigin(origin string) error {
	if !validOrigin(origin) {
		return invalid("origins", "%.80q is none: https://example.com, https://*.example.com or http://localhost:3000", origin)
	}
	return nil
}

func validOrigin(origin string) bool {
	// The star is judged apart: it stands for one whole label, the first.
	address, err := url.Parse(strings.Replace(origin, "://*.", "://star.", 1))
	if err != nil || len(origin) > 300 || address.Scheme != "https" && address.Scheme != "http" {
		return false
	}
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || r == '*' } // browsers send other letters as punycode
	if address.Hostname() == "" || strings.ContainsFunc(address.Host, foreign) || strings.HasSuffix(address.Host, ":") {
		return false
	}
	return address.User == nil && address.Path == "" && address.RawQuery == "" && !strings.ContainsAny(origin, "?#")
}

// CreateApp makes an app. The error is ErrConflict where the account has one of that name.
func (s *Store) CreateApp(ctx context.Context, scope Scope, form AppForm) (App, error) {
	form, err := form.check()
	if err != nil {
		return App{}, err
	}
	var app App
	err = s.change(ctx, scope, View, "", func(c *change) error {
		if err := c.need(Manage, form.Label); err != nil {
			return err
		}
		app, err = c.addApp(form)
		return err
	})
	return app, wrap("create an app", err)
}

func (c *change) addApp(form AppForm) (App, error) {
	count, err := c.count(sqlCountApps, c.scope.accountID)
	if err != nil {
		return App{}, err
	}
	if count >= MaxApps {
		return App{}, invalid("name", "an account has at most %d apps", MaxApps)
	}
	app := App{
		ID: auth.NewID("app_"), AccountID: c.scope.accountID, Name: form.Name, Label: form.Label, Origins: form.Origins,
		Disabled: form.Disabled, TokenTTL: form.TokenTTL, Issuer: form.Issuer, JWKSURL: form.JWKSURL,
		CreatedAt: moment(millis(time.Now())), CreatedBy: c.scope.actor(),
	}
	origins, err := originsColumn(form.Origins)
	if err != nil {
		return App{}, err
	}
	c.appID, c.label = app.ID, app.Label
	c.did("app.create", app.ID, thisApp)
	c.detail["name"], c.detail["label"] = app.Name, string(app.Label)
	_, err = c.exec(sqlAddApp, app.AccountID, app.ID, app.Name, string(app.Label), origins, bit(app.Disabled),
		app.TokenTTL.Milliseconds(), app.Issuer, app.JWKSURL, millis(app.CreatedAt), app.CreatedBy)
	return app, err
}

// Apps lists the apps of the account by name.
func (s *Store) Apps(ctx context.Context, scope Scope) ([]App, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, scanApp, sqlApps, scope.accountID)
}

// App returns one app of the account.
func (s *Store) App(ctx context.Context, scope Scope, appID string) (App, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	app, err := scanApp(s.db.QueryRowContext(ctx, sqlApp, scope.accountID, appID).Scan)
	return app, wrap("app", storeError(err))
}

// UpdateApp replaces what the form says of an app. A developer cannot make it a production app.
func (s *Store) UpdateApp(ctx context.Context, scope Scope, appID string, form AppForm) error {
	form, err := form.check()
	if err != nil {
		return err
	}
	origins, err := originsColumn(form.Origins)
	if err != nil {
		return err
	}
	return wrap("update the app", s.change(ctx, scope, Manage, appID, func(c *change) error {
		if err := c.need(Manage, form.Label); err != nil {
			return err
		}
		c.did("app.update", appID, thisApp)
		c.detail["name"], c.detail["label"], c.detail["disabled"] = form.Name, string(form.Label), form.Disabled
		c.detail["origins"], c.detail["token_ttl"] = form.Origins, form.TokenTTL.String()
		c.detail["issuer"], c.detail["jwks_url"] = form.Issuer, form.JWKSURL
		return one(c.exec(sqlSetApp, scope.accountID, appID, form.Name, string(form.Label), origins, bit(form.Disabled),
			form.TokenTTL.Milliseconds(), form.Issuer, form.JWKSURL))
	}))
}

// Form is the app as a form, to be changed and given to UpdateApp.
func (a App) Form() AppForm {
	return AppForm{
		Name: a.Name, Label: a.Label, Origins: a.Origins, Disabled: a.Disabled, TokenTTL: a.TokenTTL, Issuer: a.Issuer,
		JWKSURL: a.JWKSURL,
	}
}

// DeleteApp ends an app for good: its keys are dead on every node within two seconds. The ledger and the audit log keep it.
func (s *Store) DeleteApp(ctx context.Context, scope Scope, appID string) error {
	return wrap("delete the app", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("app.delete", appID, thisApp)
		if err := c.dropWebhooks(); err != nil {
			return err
		}
		if err := c.dropPusher(); err != nil {
			return err
		}
		return one(c.exec(sqlDeleteApp, scope.accountID, appID, millis(time.Now())))
	}))
}

func scanApp(scan func(...any) error) (App, error) {
	var app App
	var origins string
	var disabled, ttl, created int64
	if err := scan(&app.AccountID, &app.ID, &app.Name, &app.Label, &origins, &disabled, &ttl, &app.Issuer, &app.JWKSURL,
		&created, &app.CreatedBy); err != nil {
		return App{}, err
	}
	app.Disabled, app.TokenTTL, app.CreatedAt = disabled != 0, time.Duration(ttl)*time.Millisecond, moment(created)
	return app, scanOrigins(origins, &app.Origins)
}

// originsColumn is what scanOrigins reads.
func originsColumn(origins []string) (string, error) {
	column, err := json.Marshal(origins)
	return string(column), err
}

// scanOrigins reads the column origins: a JSON array of text.
func scanOrigins(column string, into *[]string) error {
	if err := json.Unmarshal([]byte(column), into); err != nil {
		return fmt.Errorf("origins: %w", err)
	}
	return nil
}
