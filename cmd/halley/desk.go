package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/auth"
	"halley/console"
	"halley/pushnode"
	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/tenant"
)

// desk is what the console asks of the node beside it: to publish, to read history, to sign tokens. It does so as the app itself.
// What a logged-in person may ask for is the console's to decide.
type desk struct {
	node      *pushnode.Node
	directory *tenant.Directory
	signer    *auth.Signer
}

// appGrant is the grant of the app itself.
func appGrant(appID string) *auth.Grant {
	return &auth.Grant{Kind: auth.KindSecret, AppID: appID, Scopes: []auth.Capability{auth.AllowAll()}}
}

// Publish implements console.Publisher. What a form sends is checked as strictly as a request to the API.
func (d *desk) Publish(ctx context.Context, appID, channelName, event string, data []byte) (console.Receipt, error) {
	value := jsontext.Value(data)
	if !value.IsValid() {
		return console.Receipt{}, explained{wire.Errorf(wire.CodeMalformedJSON, "the data is not JSON: text goes between double quotes")}
	}
	body, err := json.Marshal(publication{Event: event, Data: value, ID: auth.NewID("msg_")})
	if err != nil {
		return console.Receipt{}, explain(err)
	}
	request, fault := wire.DecodePublish(body)
	if fault != nil {
		return console.Receipt{}, explained{fault}
	}
	published, err := d.node.Publish(ctx, appGrant(appID), session.Publish{
		Channel: channelName, ID: request.ID, Event: request.Event, Data: request.Data,
	})
	if err != nil {
		return console.Receipt{}, explain(err)
	}
	return console.Receipt{ID: published.ID, Offset: published.Position.Offset, Copies: published.Copies}, nil
}

// Recent implements console.History.
func (d *desk) Recent(ctx context.Context, appID, channelName string, limit int) ([]console.Message, error) {
	page, err := d.node.History(ctx, appGrant(appID), channelName, channel.HistoryQuery{Limit: limit})
	if err != nil {
		return nil, explain(err)
	}
	messages := make([]console.Message, len(page.Publications))
	for i, p := range page.Publications {
		messages[i] = console.Message{ID: p.ID, Event: p.Event, Data: p.Data, Offset: p.Offset, Time: time.UnixMilli(p.Time)}
	}
	return messages, nil
}

// SignToken implements console.TokenSigner.
func (d *desk) SignToken(_ context.Context, appID string, rights map[string][]string, ttl time.Duration) (string, time.Time, error) {
	app, err := d.directory.App(appID)
	if err != nil {
		return "", time.Time{}, err
	}
	capability, err := auth.ParseCapability(rights)
	if err != nil {
		return "", time.Time{}, err
	}
	longest := app.Trust.MaxTTL
	if longest > 0 {
		ttl = min(ttl, longest)
	}
	return d.signer.Sign(auth.TokenRequest{AppID: appID, Capability: capability, TTL: ttl, MaxTTL: longest}, time.Now())
}

// explained is an error of the table, as the console shows it: it implements console.Explained.
type explained struct{ fault *wire.Error }

// Error is for the log.
func (e explained) Error() string { return e.fault.Error() }

// Unwrap returns the error of the table.
func (e explained) Unwrap() error { return e.fault }

// Explain returns what a person is told.
func (e explained) Explain() (status int, sentence string, retryAfter time.Duration) {
	return e.fault.Code.Status(), e.fault.Message, e.fault.RetryAfter
}

// explain keeps faults of our own as they are: the console logs them and tells nobody more than that there is one.
func explain(err error) error {
	fault := wire.AsError(err)
	if fault.Code == wire.CodeInternal {
		return err
	}
	return explained{fault}
}
