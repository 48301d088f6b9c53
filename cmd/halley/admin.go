package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"halley/pushnode/channel"
	"halley/tenant"
)

// adminCommand works on the database, not on a node: nodes that run see what changed within two seconds. Only hot asks a node, for what no
// database knows.
type adminCommand struct {
	storeConfig `embed:""`

	CreateApp    createAppCommand    `cmd:"" help:"Make an account and an app with keys; what exists of that name is used, and gets new keys."`
	ImportPusher importPusherCommand `cmd:"" help:"Bring apps in, with their ids, keys and secrets, from another server that speaks Pusher's protocol."`
	SetPusher    setPusherCommand    `cmd:"" help:"Say what Pusher's SDKs may do in an app."`
	AddWebhook   addWebhookCommand   `cmd:"" help:"Give an app an endpoint that is told what happens in its channels."`
	SetRule      setRuleCommand      `cmd:"" help:"Say what holds for the channels of an app whose names begin with a prefix."`
	SetLimit     setLimitCommand     `cmd:"" help:"Give an app limits of its own."`
	ListApps     listAppsCommand     `cmd:"" help:"List the apps of all accounts."`
	BuryNode     buryNodeCommand     `cmd:"" help:"Call a node dead, for ever, so that slots go on which wait for it."`
	Nodes        nodesCommand        `cmd:"" help:"List the nodes, what they hold and lead, and what lags."`
	Hot          hotCommand          `cmd:"" help:"List the channels and apps with the most to do, of all nodes."`
}

// operator is who audit rows name as the one who asked.
var operator = tenant.Client{Agent: "halley admin"}

// run opens the database for one command and prints what it returns as one JSON object. There must be one: where a folder is
// misspelt, an empty database would be made and looked at.
func (c adminCommand) run(p *process, log logConfig, do func(ctx context.Context, store *tenant.Store) (any, error)) error {
	if c.storeConfig.missing() {
		return fmt.Errorf("there is no database in %s: halley serve makes one, and so does halley admin create-app", c.DataDir)
	}
	return c.runAnew(p, log, do)
}

// runAnew is run for what may make the database.
func (c adminCommand) runAnew(p *process, log logConfig, do func(ctx context.Context, store *tenant.Store) (any, error)) error {
	store, err := c.open(p.ctx, log.logger(p.stderr))
	if err != nil {
		return err
	}
	result, err := do(p.ctx, store)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	return printResult(p, result)
}

// printResult prints what a command came to, the names of maps in their order.
func printResult(p *process, result any) error {
	line, err := json.Marshal(result, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return printJSON(p.stdout, line)
}

// onApp changes one app and returns what to print.
type onApp func(ctx context.Context, store *tenant.Store, scope tenant.Scope) (any, error)

// runOnApp is run for what changes one app.
func (c adminCommand) runOnApp(p *process, log logConfig, appID string, do onApp) error {
	return c.run(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		scope, err := store.OperatorScopeOf(ctx, appID, operator)
		if err != nil {
			return nil, err
		}
		return do(ctx, store, scope)
	})
}

type createAppCommand struct {
	Account string           `required:"" placeholder:"NAME" help:"Name of the account."`
	App     string           `required:"" placeholder:"NAME" help:"Name of the app."`
	Email   string           `required:"" placeholder:"ADDRESS" help:"An owner of the account, who gets into the console by resetting the password. In an account that exists: one more."`
	Limit   map[string]int64 `placeholder:"NAME=VALUE" help:"A limit of the app's own; may be given several times. The names are those of set-limit. Others stay as they are."`
	Origin  []string         `placeholder:"ORIGIN" help:"Where browsers may come from, as https://example.com or https://*.example.com; may be given several times. Default: anywhere, and in an app that exists as it is."`

	Pusher            bool   `help:"Let Pusher's SDKs reach the app, and print their credentials: those that it has, else new ones."`
	PusherCredentials string `placeholder:"ID:KEY:SECRET" env:"HALLEY_PUSHER_CREDENTIALS" help:"The same, with credentials that clients have already: app id, key and secret as Pusher or another server gave them. They belong in the environment or the file, where other users of the machine do not see them."`
}

// Help is the long text of --help.
func (createAppCommand) Help() string {
	return `Prints {"account_id","app_id","secret_key","publishable_key"}, and with --pusher "pusher":{"app_id","key","secret"}. The keys are shown this
once; Pusher's secret can be looked at again in the console.

An account of that name is used if halley admin made it or the address is a member of it. The address then becomes one more owner
beside those that it has; who is a member already keeps their role. An app of that name in the account is used too, and gets new
keys beside those it has. Of its settings only what is given changes: each limit by itself, the list of origins as a whole. Pusher's app id and key must not be another app's.`
}

// Run makes the app.
func (c createAppCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	want := tenant.Provision{
		Account: c.Account, App: c.App, Email: c.Email, Limits: overrides(c.Limit), Origins: c.Origin, Pusher: c.Pusher,
	}
	if c.PusherCredentials != "" {
		var err error
		if want.PusherCredentials, err = tenant.ParsePusherCredentials(c.PusherCredentials); err != nil {
			return err
		}
	}
	return admin.runAnew(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		made, err := store.Provision(ctx, want, operator)
		return createdApp{
			made.AccountID, made.AppID, made.SecretKey.Reveal(), made.PublishableKey.Reveal(), pusherShown(made.Pusher),
		}, err
	})
}

// createdApp is what create-app prints.
type createdApp struct {
	AccountID      string      `json:"account_id"`
	AppID          string      `json:"app_id"`
	SecretKey      string      `json:"secret_key"`
	PublishableKey string      `json:"publishable_key"`
	Pusher         *pusherMade `json:"pusher,omitzero"`
}

type setRuleCommand struct {
	App           string        `required:"" placeholder:"ID" help:"Id of the app: app_…"`
	Prefix        string        `required:"" help:"How the channels' names begin; the longest prefix that fits wins. Empty: all channels."`
	History       int           `default:"100" placeholder:"N" help:"Messages that a channel remembers; 0: none. Default: ${default}."`
	TTL           time.Duration `name:"ttl" default:"2m" help:"How long it remembers them, at most 24h. Default: ${default}."`
	Policy        string        `enum:"resume,block,latest,lossy" default:"resume" help:"What happens to a subscriber that is too slow: resume, block, latest or lossy. Default: ${default}."`
	Public        *bool         `help:"Whether a publishable key may subscribe and read history. Default: it may, but for prefixes that begin with private- or presence-."`
	ClientPublish bool          `help:"Let a publishable key publish."`
	Presence      bool          `help:"Let a publishable key read and enter presence."`
}

// Help is the long text of --help.
func (setRuleCommand) Help() string {
	return `Replaces the rule of that prefix, and prints the new one.`
}

// setRule is what set-rule prints.
type setRule struct {
	AppID         string `json:"app_id"`
	Prefix        string `json:"prefix"`
	History       int    `json:"history"`
	TTL           string `json:"ttl"`
	Policy        string `json:"policy"`
	Public        bool   `json:"public"`
	ClientPublish bool   `json:"client_publish"`
	Presence      bool   `json:"presence"`
}

// Run sets the rule.
func (c setRuleCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.runOnApp(p, log, c.App, func(ctx context.Context, store *tenant.Store, scope tenant.Scope) (any, error) {
		rule := tenant.DefaultRule(c.Prefix)
		if c.Public != nil {
			rule.Public = *c.Public
		}
		rule.ClientPublish, rule.Presence, rule.Policy = c.ClientPublish, c.Presence, channel.Policy(c.Policy)
		rule.Retention = channel.Retention{Messages: c.History, Age: c.TTL} // of bytes as many as the app may have
		return setRule{
			AppID: c.App, Prefix: c.Prefix, History: c.History, TTL: c.TTL.String(), Policy: c.Policy,
			Public: rule.Public, ClientPublish: c.ClientPublish, Presence: c.Presence,
		}, store.SetRule(ctx, scope, c.App, rule)
	})
}

type setLimitCommand struct {
	App   string           `required:"" placeholder:"ID" help:"Id of the app: app_…"`
	Limit map[string]int64 `arg:"" name:"name=value" help:"Limits and their values."`
}

// Help is the long text of --help.
func (setLimitCommand) Help() string {
	text := "Prints all limits in force for the app.\n\nThe limits are:\n"
	for _, spec := range tenant.LimitSpecs() {
		text += fmt.Sprintf("\n    %-24s %s (default %d)", spec.Name, spec.Meaning, spec.Default)
	}
	return text
}

// Run sets the limits.
func (c setLimitCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.runOnApp(p, log, c.App, func(ctx context.Context, store *tenant.Store, scope tenant.Scope) (any, error) {
		if err := store.SetLimits(ctx, scope, c.App, overrides(c.Limit)); err != nil {
			return nil, err
		}
		limits, _, err := store.LimitsOf(ctx, scope, c.App)
		values := make(map[tenant.LimitName]int64)
		for _, spec := range tenant.LimitSpecs() {
			values[spec.Name] = limits.Get(spec.Name)
		}
		return struct {
			AppID  string                     `json:"app_id"`
			Limits map[tenant.LimitName]int64 `json:"limits"`
		}{c.App, values}, err
	})
}

func overrides(given map[string]int64) tenant.Overrides {
	values := make(tenant.Overrides, len(given))
	for name, value := range given {
		values[tenant.LimitName(name)] = value
	}
	return values
}

type listAppsCommand struct{}

// Help is the long text of --help.
func (listAppsCommand) Help() string {
	return `Prints {"apps":[…]}, sorted by account and name. An app that Pusher's SDKs reach, or did, has "pusher":{"app_id","enabled"}.`
}

// listedApp is one line of list-apps.
type listedApp struct {
	AccountID string    `json:"account_id"`
	Account   string    `json:"account"`
	AppID     string    `json:"app_id"`
	App       string    `json:"app"`
	Label     string    `json:"label"`
	Origins   []string  `json:"origins"`
	Disabled  bool      `json:"disabled"`
	Suspended bool      `json:"suspended"` // the whole account
	CreatedAt time.Time `json:"created_at"`

	Pusher *listedPusher `json:"pusher,omitzero"`
}

// listedPusher is the Pusher side of an app that has one.
type listedPusher struct {
	AppID   string `json:"app_id"`
	Enabled bool   `json:"enabled"`
}

// Run lists the apps.
func (listAppsCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	return admin.run(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		found, err := store.AllApps(ctx, store.OperatorScope("", operator))
		apps := make([]listedApp, len(found))
		for i, row := range found {
			apps[i] = listedApp{
				AccountID: row.App.AccountID, Account: row.AccountName, AppID: row.App.ID, App: row.App.Name, Label: string(row.App.Label),
				Origins: row.App.Origins, Disabled: row.App.Disabled, Suspended: row.Suspended, CreatedAt: row.App.CreatedAt,
			}
			if row.Pusher.Number != "" {
				apps[i].Pusher = &listedPusher{row.Pusher.Number, row.Pusher.Enabled}
			}
		}
		return struct {
			Apps []listedApp `json:"apps"`
		}{apps}, err
	})
}
