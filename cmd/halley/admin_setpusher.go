package main

import (
	"context"

	"halley/tenant"
)

// setPusherCommand has each setting as a pointer: what is not given stays.
type setPusherCommand struct {
	App                string `required:"" placeholder:"ID" help:"Id of the app: app_…"`
	Enabled            *bool  `help:"Whether Pusher's SDKs reach the app. Its id and keys are kept while they do not; the first time, it gets some."`
	ClientEvents       *bool  `help:"Whether clients may publish events on private and presence channels."`
	SubscriptionCounts *bool  `help:"Whether the subscribers of a channel are told how many they are; never on presence channels, which say who."`
	EventBytes         *int   `placeholder:"N" help:"Bytes that the data of one event may have, at most 1048576 and no more than message_bytes."`
	Rewind             *int   `placeholder:"N" help:"Last events of a channel that whoever subscribes gets again, at most 100; cache channels have their own."`
}

// Help is the long text of --help.
func (setPusherCommand) Help() string {
	return `Changes what is given, leaves the rest, and prints {"app_id","pusher_app_id","enabled","client_events","subscription_counts","event_bytes","rewind"}.
The app must have Pusher's credentials already, or get them by --enabled; create-app --pusher prints them.`
}

// pusherSet is what set-pusher prints.
type pusherSet struct {
	AppID              string `json:"app_id"`
	PusherAppID        string `json:"pusher_app_id"`
	Enabled            bool   `json:"enabled"`
	ClientEvents       bool   `json:"client_events"`
	SubscriptionCounts bool   `json:"subscription_counts"`
	EventBytes         int    `json:"event_bytes"`
	Rewind             int    `json:"rewind"`
}

// Run changes the settings.
func (c setPusherCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.runOnApp(p, log, c.App, func(ctx context.Context, store *tenant.Store, scope tenant.Scope) (any, error) {
		if c.Enabled != nil {
			if err := store.SwitchPusher(ctx, scope, c.App, *c.Enabled); err != nil {
				return nil, err
			}
		}
		app, err := store.Pusher(ctx, scope, c.App)
		if err != nil {
			return nil, err
		}
		replace(&app.ClientEvents, c.ClientEvents)
		replace(&app.SubscriptionCounts, c.SubscriptionCounts)
		replace(&app.EventBytes, c.EventBytes)
		replace(&app.Rewind, c.Rewind)
		return pusherSet{
			app.AppID, app.Number, app.Enabled, app.ClientEvents, app.SubscriptionCounts, app.EventBytes, app.Rewind,
		}, store.SetPusher(ctx, scope, c.App, app.PusherSettings)
	})
}

// replace sets what a flag was given for.
func replace[T any](setting, given *T) {
	if given != nil {
		*setting = *given
	}
}
