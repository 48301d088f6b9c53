package main

import (
	"context"
	"log/slog"

	"halley/tenant"
)

// open opens the database and brings its schema up to date.
func (c storeConfig) open(ctx context.Context, logger *slog.Logger) (*tenant.Store, error) {
	store, err := tenant.Open(ctx, tenant.Config{
		URL: c.Database, DataDir: c.DataDir, MasterKeyFile: c.MasterKeyFile, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		_ = store.Close()
		return nil, err
	}
	return store, nil
}

// missing reports that the database is the embedded one and has not been made yet.
func (c storeConfig) missing() bool {
	return c.Database == "" && !tenant.HasEmbedded(c.DataDir)
}

// openClaimed opens the database for the one process that may serve from it.
func (c storeConfig) openClaimed(ctx context.Context, logger *slog.Logger) (store *tenant.Store, closeAll func(), err error) {
	if store, err = c.open(ctx, logger); err != nil {
		return nil, nil, err
	}
	release, err := store.Claim()
	if err != nil {
		_ = store.Close()
		return nil, nil, err
	}
	return store, func() {
		if err := store.Close(); err != nil {
			logger.Warn("closing the database", "err", err)
		}
		_ = release()
	}, nil
}
