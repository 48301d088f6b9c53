package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"halley/cmd/halley/foreign"
	"halley/tenant"
)

// maxImportBytes bounds a file of apps: ten thousand of a kilobyte or so.
const maxImportBytes = 16 << 20

// pusherMade is what Pusher's SDKs are configured with, as create-app prints it.
type pusherMade struct {
	AppID  string `json:"app_id"`
	Key    string `json:"key"`
	Secret string `json:"secret"`
}

// pusherShown returns nil where Pusher was not asked for.
func pusherShown(credentials tenant.PusherCredentials) *pusherMade {
	if credentials.Key == "" {
		return nil
	}
	return &pusherMade{credentials.Number, credentials.Key, credentials.Secret.Reveal()}
}

type importPusherCommand struct {
	From    string `arg:"" optional:"" placeholder:"FILE" help:"Where the apps are: a file, - for standard input, or postgres://… for the table apps of that database. Default: the environment of this process."`
	Account string `required:"" placeholder:"NAME" help:"Name of the account that they go into; as with create-app."`
	Email   string `required:"" placeholder:"ADDRESS" help:"An owner of the account; as with create-app."`
	DryRun  bool   `help:"Read and print what would be done, and do nothing."`
}

// Help is the long text of --help.
func (importPusherCommand) Help() string {
	return `Each app becomes an app of Halley with the same id, key and secret, so that clients and servers need only another host. It prints
{"apps":[{"pusher_app_id","key","app_id","made","enabled","taken":{…},"left":{…}}]}: "taken" is what of its settings holds here too, "left" what does not,
or should not stay, each with the reason. An app whose id the account has already is changed and not made again, so the command may be given twice.

A file holds JSON (soketi's array of apps, its configuration, or rows of a table, in any of the spellings) or lines NAME=value as in .env:
SOKETI_DEFAULT_APP_ID, _KEY, _SECRET and its other names, or REVERB_APP_… or PUSHER_APP_…. A table in MySQL or DynamoDB is given as JSON.
A password in an address is seen by other users of the machine: PGPASSWORD or PGPASSFILE hold it better.

Apps get no keys of Halley's own by this; the console makes them. An account has at most 100 apps.`
}

// importedApps is what import-pusher prints.
type importedApps struct {
	Apps []importedApp `json:"apps"`
}

// importedApp is one app of what import-pusher prints.
type importedApp struct {
	PusherAppID string            `json:"pusher_app_id"`
	Key         string            `json:"key"`
	AppID       string            `json:"app_id,omitzero"` // empty with --dry-run
	Made        bool              `json:"made"`
	Enabled     bool              `json:"enabled"`
	Taken       map[string]any    `json:"taken"`
	Left        map[string]string `json:"left"`
}

// Run imports the apps one after the other, so that what was done before a fault stays done.
func (c importPusherCommand) Run(p *process, log logConfig, admin *adminCommand) error {
	apps, err := c.read(p)
	if err != nil {
		return fmt.Errorf("read the apps: %w", err)
	}
	result := make([]importedApp, len(apps))
	for i, app := range apps {
		result[i] = describeImport(app)
	}
	if c.DryRun {
		return printResult(p, importedApps{result})
	}
	return admin.runAnew(p, log, func(ctx context.Context, store *tenant.Store) (any, error) {
		for i, app := range apps {
			done, err := store.ImportPusher(ctx, c.order(app), operator)
			if err != nil {
				return nil, fmt.Errorf("app %s, number %d of %d (those before it are in, and it is safe to begin again): %w",
					app.Credentials.Number, i+1, len(apps), err)
			}
			result[i].AppID, result[i].Made = done.AppID, done.Made
		}
		return importedApps{result}, nil
	})
}

// order is what the store is asked for.
func (c importPusherCommand) order(app foreign.App) tenant.PusherImport {
	return tenant.PusherImport{
		Account: c.Account, Email: c.Email, App: "Pusher " + app.Credentials.Number,
		Credentials: app.Credentials, Settings: app.Settings, Limits: app.Limits, Enabled: app.Enabled,
	}
}

// read takes the apps from where the argument says.
func (c importPusherCommand) read(p *process) ([]foreign.App, error) {
	switch {
	case c.From == "":
		return asUsage(foreign.ParseEnvironment(os.Environ()))
	case strings.HasPrefix(c.From, "postgres://") || strings.HasPrefix(c.From, "postgresql://"):
		rows, err := tenant.ForeignApps(p.ctx, c.From)
		if err != nil {
			return nil, err
		}
		return asUsage(foreign.Parse([]byte(rows)))
	case c.From == "-":
		return parseBounded(p.stdin)
	}
	file, err := os.Open(c.From)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseBounded(file)
}

func parseBounded(from io.Reader) ([]foreign.App, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxImportBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxImportBytes {
		return asUsage(nil, errors.New("more than 16 MiB"))
	}
	return asUsage(foreign.Parse(text))
}

// asUsage tells a text that cannot be read from a file or a database that cannot.
func asUsage(apps []foreign.App, err error) ([]foreign.App, error) {
	if err != nil {
		err = usageError{err}
	}
	return apps, err
}

func describeImport(app foreign.App) importedApp {
	taken := map[string]any{"client_events": app.Settings.ClientEvents, "event_bytes": app.Settings.EventBytes}
	for name, value := range app.Limits {
		taken[string(name)] = value
	}
	return importedApp{
		PusherAppID: app.Credentials.Number, Key: app.Credentials.Key, Enabled: app.Enabled, Taken: taken, Left: app.Left,
	}
}
