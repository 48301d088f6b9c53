package tenant

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"halley/auth"
	"halley/pushnode/channel"
)

// Bounds of webhooks.
const (
	MaxWebhooks       = 10 // endpoints of one app
	MaxWebhookHeaders = 10 // of one endpoint
	maxWebhookURL     = 2_000
	maxHeaderName     = 100
	maxHeaderValue    = 1_000
)

// WebhookEvents is what an app may be told of, by Pusher's names.
var WebhookEvents = []string{
	"channel_occupied", "channel_vacated", "member_added", "member_removed", "client_event", "cache_miss", "subscription_count",
}

// Webhook is an endpoint of an app as people see it.
type Webhook struct {
	ID string
	WebhookSettings
	Enabled     bool
	HeaderNames []string
	CreatedAt   time.Time
	CreatedBy   string // user id, or "operator"
}

// WebhookSettings are what an app chooses of an endpoint.
type WebhookSettings struct {
	URL     string   // http or https
	Events  []string // of WebhookEvents; empty: all
	Prefix  string   // of the names of channels that it wants to know of
	Suffix  string   // likewise
	Batched bool     // several events may come in one request
}

// WebhookHeader is one that an app wants in each request.
type WebhookHeader struct {
	Name  string
	Value auth.Secret
}

const (
	webhookColumns = `account_id, app_id, endpoint_id, url, events, prefix, suffix, batched, enabled, sealed, header_names, created_at,
		created_by`

	sqlWebhooks = `SELECT ` + webhookColumns + ` FROM webhook_endpoints WHERE account_id = $1 AND app_id = $2
		ORDER BY created_at, endpoint_id`
	sqlWebhook = `SELECT ` + webhookColumns + ` FROM webhook_endpoints WHERE account_id = $1 AND app_id = $2
		AND endpoint_id = $3`
	sqlCountWebhooks = `SELECT COUNT(*) FROM webhook_endpoints WHERE account_id = $1 AND app_id = $2`
	sqlAddWebhook    = `INSERT INTO webhook_endpoints (` + webhookColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12)`
	sqlSetWebhook = `UPDATE webhook_endpoints SET url = $4, events = $5, prefix = $6, suffix = $7, batched = $8, sealed = $9,
		header_names = $10 WHERE account_id = $1 AND app_id = $2 AND endpoint_id = $3`
	sqlSwitchWebhook = `UPDATE webhook_endpoints SET enabled = $4 WHERE account_id = $1 AND app_id = $2 AND endpoint_id = $3`
	sqlDropWebhook   = `DELETE FROM webhook_endpoints WHERE account_id = $1 AND app_id = $2 AND endpoint_id = $3`
	sqlDropWebhooks  = `DELETE FROM webhook_endpoints WHERE account_id = $1 AND app_id = $2`
)

// Validate returns an *InvalidError for what cannot be an endpoint. Whether its address may be connected to is seen when that is tried.
func (w WebhookSettings) Validate() error {
	target, err := url.Parse(w.URL)
	switch {
	case err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "" || len(w.URL) > maxWebhookURL:
		return invalid("url", "an address that begins with https:// or http://, of at most %d characters", maxWebhookURL)
	case target.User != nil:
		return invalid("url", "without a name and password: send them in a header, which is kept sealed")
	case target.Fragment != "":
		return invalid("url", "without what follows #")
	case slices.ContainsFunc(w.Events, func(name string) bool { return !slices.Contains(WebhookEvents, name) }):
		return invalid("events", "of %s", strings.Join(WebhookEvents, ", "))
	case !partOfName(w.Prefix):
		return invalid("prefix", "at most %d of A-Za-z0-9_-=@,.;:/, without a star", channel.MaxNameBytes)
	case !partOfName(w.Suffix):
		return invalid("suffix", "at most %d of A-Za-z0-9_-=@,.;:/, without a star", channel.MaxNameBytes)
	}
	return nil
}

func partOfName(part string) bool {
	return len(part) <= channel.MaxNameBytes && strings.Trim(part, nameAlphabet) == ""
}

// ourHeaders are names that a request has already, or that say how it is carried.
var ourHeaders = regexp.MustCompile(`(?i)^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|user-agent|` +
	`content-.*|accept-encoding|proxy-.*|x-pusher-.*|halley-.*|webhook-.*)$`)

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110, section 5.6.2

// checkHeaders returns an *InvalidError for headers that cannot be sent. It never shows a value.
func checkHeaders(headers []WebhookHeader) error {
	if len(headers) > MaxWebhookHeaders {
		return invalid("headers", "at most %d", MaxWebhookHeaders)
	}
	for _, one := range headers {
		value := one.Value.Reveal()
		switch {
		case !headerName.MatchString(one.Name) || len(one.Name) > maxHeaderName:
			return invalid("headers", "each a name, a colon and a value")
		case ourHeaders.MatchString(one.Name):
			return invalid("headers", "%s is for Halley to set", one.Name)
		case value == "" || len(value) > maxHeaderValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return invalid("headers", "the value of %s is 1 to %d printable ASCII characters", one.Name, maxHeaderValue)
		}
	}
	return nil
}

// Webhooks lists the endpoints of an app, the oldest first.
func (s *Store) Webhooks(ctx context.Context, scope Scope, appID string) ([]Webhook, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (Webhook, error) {
		row, err := scanWebhook(scan)
		return row.Webhook, err
	}, sqlWebhooks, scope.accountID, appID)
}

// AddWebhook gives an app one more endpoint, and returns its id.
func (s *Store) AddWebhook(ctx context.Context, scope Scope, appID string, settings WebhookSettings, headers []WebhookHeader) (string, error) {
	if err := errors.Join(settings.Validate(), checkHeaders(headers)); err != nil {
		return "", firstInvalid(err)
	}
	id := auth.NewID("whk_")
	return id, wrap("add a webhook", s.change(ctx, scope, Manage, appID, func(c *change) error {
		count, err := c.count(sqlCountWebhooks, scope.accountID, appID)
		if err != nil {
			return err
		}
		if count >= MaxWebhooks {
			return invalid("url", "an app has at most %d endpoints", MaxWebhooks)
		}
		c.didWebhook("webhook.create", id, settings)
		sealed, names := s.sealHeaders(scope.accountID, appID, id, headers)
		_, err = c.exec(sqlAddWebhook, scope.accountID, appID, id, settings.URL, strings.Join(settings.Events, " "), settings.Prefix,
			settings.Suffix, bit(settings.Batched), sealed, names, millis(time.Now()), scope.actor())
		return err
	}))
}

// SetWebhook replaces the settings of an endpoint, and its headers unless they are nil. Headers stay with the server that they were given for:
// whoever may change an address must not read them there.
func (s *Store) SetWebhook(ctx context.Context, scope Scope, appID, id string, settings WebhookSettings, headers []WebhookHeader) error {
	if err := errors.Join(settings.Validate(), checkHeaders(headers)); err != nil {
		return firstInvalid(err)
	}
	return wrap("set a webhook", s.change(ctx, scope, Manage, appID, func(c *change) error {
		row, err := scanWebhook(c.row(sqlWebhook, scope.accountID, appID, id).Scan)
		if err != nil {
			return err
		}
		sealed, names := row.sealed, strings.Join(row.HeaderNames, " ")
		switch {
		case headers == nil && names != "" && !sameHost(row.URL, settings.URL):
			return invalid("headers", "give them again: they are sealed, and the new address is another server's")
		case headers != nil:
			sealed, names = s.sealHeaders(scope.accountID, appID, id, headers)
		}
		c.didWebhook("webhook.set", id, settings)
		return one(c.exec(sqlSetWebhook, scope.accountID, appID, id, settings.URL, strings.Join(settings.Events, " "), settings.Prefix,
			settings.Suffix, bit(settings.Batched), sealed, names))
	}))
}

// sameHost reports whether two addresses are of one server, by scheme, name and port.
func sameHost(a, b string) bool {
	first, errA := url.Parse(a)
	second, errB := url.Parse(b)
	return errA == nil && errB == nil && first.Scheme == second.Scheme && first.Host == second.Host
}

// firstInvalid is the first of errors that were joined.
func firstInvalid(err error) error {
	if wrong, is := errors.AsType[*InvalidError](err); is {
		return wrong
	}
	return err
}

// SwitchWebhook pauses an endpoint, or has it go on. What happens while it is paused it is not told.
func (s *Store) SwitchWebhook(ctx context.Context, scope Scope, appID, id string, on bool) error {
	return wrap("switch a webhook", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("webhook.pause", id, thisApp)
		if on {
			c.action = "webhook.resume"
		}
		return one(c.exec(sqlSwitchWebhook, scope.accountID, appID, id, bit(on)))
	}))
}

// DeleteWebhook drops an endpoint. What was told to it stays in the log.
func (s *Store) DeleteWebhook(ctx context.Context, scope Scope, appID, id string) error {
	return wrap("delete a webhook", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("webhook.delete", id, thisApp)
		return one(c.exec(sqlDropWebhook, scope.accountID, appID, id))
	}))
}

// UseWebhook returns an endpoint with its headers, and what requests to it are signed with, and writes down that somebody sends to it by hand:
// action says what.
func (s *Store) UseWebhook(
	ctx context.Context, scope Scope, appID, id, action string,
) (target WebhookTarget, signer PusherCredentials, err error) {
	err = s.change(ctx, scope, Manage, appID, func(c *change) error {
		row, err := scanWebhook(c.row(sqlWebhook, scope.accountID, appID, id).Scan)
		if err != nil {
			return err
		}
		c.did(action, id, nobody)
		if target, err = row.target(s.seals); err != nil {
			return err
		}
		app, err := c.pusher()
		if err == nil && app.Enabled {
			signer, err = c.signingPusherKey(s.seals)
		}
		if errors.Is(err, sql.ErrNoRows) || err == nil && signer.Key == "" {
			return invalid("", "Pusher is off, or has no key that works: there is nothing to sign with")
		}
		return err
	})
	return target, signer, wrap("use a webhook", err)
}

// dropWebhooks forgets the endpoints of an app that is deleted, and what was sent to them.
func (c *change) dropWebhooks() error {
	if _, err := c.exec(sqlDropWebhooks, c.scope.accountID, c.appID); err != nil {
		return err
	}
	_, err := c.exec(sqlDropDeliveries, c.scope.accountID, c.appID)
	return err
}

func (c *change) didWebhook(action, id string, settings WebhookSettings) {
	c.did(action, id, thisApp)
	c.detail["events"], c.detail["prefix"], c.detail["suffix"] = settings.Events, settings.Prefix, settings.Suffix
	c.detail["batched"] = settings.Batched
	if target, err := url.Parse(settings.URL); err == nil {
		c.detail["host"] = target.Host // path and query may hold what is secret to somebody
	}
}

// sealHeaders returns the headers sealed for their endpoint, and their names.
func (s *Store) sealHeaders(accountID, appID, id string, headers []WebhookHeader) (sealed []byte, names string) {
	plain := make([][2]string, len(headers))
	list := make([]string, len(headers))
	for i, one := range headers {
		plain[i], list[i] = [2]string{one.Name, one.Value.Reveal()}, one.Name
	}
	text, err := json.Marshal(plain)
	if err != nil {
		panic(err) // texts are always JSON
	}
	return s.seals.seal(text, webhookPlace(accountID, appID, id)), strings.Join(list, " ")
}

// webhookPlace is what the headers of an endpoint are sealed for.
func webhookPlace(accountID, appID, id string) []byte {
	return place(accountID, "webhook_endpoints", appID+"|"+id)
}

// webhookRow is an endpoint with what people do not see.
type webhookRow struct {
	Webhook
	accountID, appID string
	sealed           []byte
}

func scanWebhook(scan func(...any) error) (webhookRow, error) {
	var row webhookRow
	var events, names string
	var batched, enabled, created int64
	err := scan(&row.accountID, &row.appID, &row.ID, &row.URL, &events, &row.Prefix, &row.Suffix, &batched, &enabled, &row.sealed, &names,
		&created, &row.CreatedBy)
	row.Events, row.HeaderNames = strings.Fields(events), strings.Fields(names)
	row.Batched, row.Enabled, row.CreatedAt = batched != 0, enabled != 0, moment(created)
	return row, err
}
