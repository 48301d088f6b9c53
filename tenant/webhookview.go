package tenant

import (
	"github.com/go-json-experiment/json"

	"halley/auth"
)

// WebhookTarget is an endpoint as nodes see it: with the headers that go into each request.
type WebhookTarget struct {
	ID string
	WebhookSettings
	Headers []WebhookHeader
}

const sqlViewWebhooks = `SELECT ` + webhookColumns + ` FROM webhook_endpoints WHERE enabled = 1 AND app_id IN `

// Webhooks returns the app's endpoints that are not paused. The caller must not change them.
func (v *AppView) Webhooks() []WebhookTarget { return v.webhooks }

// target opens the headers.
func (r webhookRow) target(seals *sealer) (WebhookTarget, error) {
	target := WebhookTarget{ID: r.ID, WebhookSettings: r.WebhookSettings}
	text, err := seals.open(r.sealed, webhookPlace(r.accountID, r.appID, r.ID))
	if err != nil {
		return WebhookTarget{}, err
	}
	var plain [][2]string
	if err := json.Unmarshal(text, &plain); err != nil {
		return WebhookTarget{}, err
	}
	for _, one := range plain {
		target.Headers = append(target.Headers, WebhookHeader{one[0], auth.NewSecret(one[1])})
	}
	return target, nil
}

// webhooks opens the sealed headers. An endpoint whose headers cannot be opened is left out and logged: it must not take the app down.
func (l *loader) webhooks() error {
	return l.each(sqlViewWebhooks, func(scan func(...any) error) error {
		row, err := scanWebhook(scan)
		view := l.views[row.appID]
		if err != nil || view == nil {
			return err
		}
		target, err := row.target(l.store.seals)
		if err != nil {
			l.store.logger.Error("the headers of a webhook cannot be opened", "app", row.appID, "webhook", row.ID, "err", err)
			return nil
		}
		view.webhooks = append(view.webhooks, target)
		return nil
	})
}
