package main

import (
	"context"

	"halley/tenant"
)

type addWebhookCommand struct {
	App     string   `required:"" placeholder:"ID" help:"Id of the app: app_…"`
	URL     string   `arg:"" name:"url" help:"Where requests go, as https://example.com/hooks. Private addresses need serve --allow-private-cidrs."`
	Event   []string `placeholder:"NAME" help:"What it is told of: channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss or subscription_count; may be given several times. Default: all."`
	Prefix  string   `help:"How the names of channels begin that it is told of. Default: any."`
	Suffix  string   `help:"How they end. Default: any."`
	Batched bool     `help:"Let several events come in one request."`
}

// Help is the long text of --help.
func (addWebhookCommand) Help() string {
	return `Prints {"app_id","webhook_id","url","events","prefix","suffix","batched"}. Requests are signed with the secret of the app's newest Pusher key. Headers of
your own, which may hold secrets, are given to an endpoint in the console, and what was sent to it is seen there.`
}

// webhookAdded is what add-webhook prints.
type webhookAdded struct {
	AppID     string   `json:"app_id"`
	WebhookID string   `json:"webhook_id"`
	URL       string   `json:"url"`
	Events    []string `json:"events"`
	Prefix    string   `json:"prefix"`
	Suffix    string   `json:"suffix"`
	Batched   bool     `json:"batched"`
}

// Run adds the endpoint.
func (c addWebhookCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.runOnApp(p, log, c.App, func(ctx context.Context, store *tenant.Store, scope tenant.Scope) (any, error) {
		settings := tenant.WebhookSettings{URL: c.URL, Events: c.Event, Prefix: c.Prefix, Suffix: c.Suffix, Batched: c.Batched}
		id, err := store.AddWebhook(ctx, scope, c.App, settings, nil)
		if len(settings.Events) == 0 {
			settings.Events = tenant.WebhookEvents
		}
		return webhookAdded{c.App, id, settings.URL, settings.Events, settings.Prefix, settings.Suffix, settings.Batched}, err
	})
}
