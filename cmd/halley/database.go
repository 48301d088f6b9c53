package main

import (
	"context"
	"fmt"
	"log/slog"

	"halley/pushnode/cluster/trust"
	"halley/tenant"
)

// open opens the database and brings its schema up to date.
func (c storeConfig) open(ctx context.Context, logger *slog.Logger) (*tenant.Store, error) {
	keys, err := c.masterKeys()
	if err != nil {
		return nil, err
	}
	store, err := tenant.Open(ctx, tenant.Config{
		URL: c.Database, DataDir: c.DataDir, MasterKeyFile: c.MasterKeyFile, MasterKeys: keys, Logger: logger,
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

// clusterSecrets reads the secrets that all nodes share, where there are any.
func (c storeConfig) clusterSecrets() (secrets trust.Secrets, given bool, err error) {
	if c.ClusterSecretFile == "" {
		return secrets, false, nil
	}
	if secrets, err = trust.ReadFile(c.ClusterSecretFile); err != nil {
		return secrets, false, fmt.Errorf("--cluster-secret-file: %w", err)
	}
	return secrets, true, nil
}

// masterKeys are what the cluster secret gives for the case that no master key is given.
func (c storeConfig) masterKeys() ([][]byte, error) {
	secrets, given, err := c.clusterSecrets()
	if err != nil || !given {
		return nil, err
	}
	return secrets.MasterKeys()
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
	resealed(ctx, store, logger)
	return store, func() {
		if err := store.Close(); err != nil {
			logger.Warn("closing the database", "err", err)
		}
		_ = release()
	}, nil
}

// resealed seals all secrets with the first master key, where more than one is given: a change of keys is under way, which ends with
// the others being taken away. What cannot be sealed anew stays as it was, and is to be read as long as the others are there.
func resealed(ctx context.Context, store *tenant.Store, logger *slog.Logger) {
	keys := store.Fingerprints()
	if len(keys) < 2 {
		return
	}
	count, err := store.Reseal(ctx)
	switch {
	case err != nil:
		logger.Error("the secrets in the database are not all sealed with the first key: leave the other keys or secrets in their file", "err", err)
	case count > 0:
		logger.Info("sealed the secrets in the database anew", "count", count, "with", keys[0])
	}
}
