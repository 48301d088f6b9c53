package tenant

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// migrate applies what the database does not have yet, each file in a transaction of its own.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, files fs.FS, logger *slog.Logger,
	options ...goose.ProviderOption) error {
	provider, err := goose.NewProvider(dialect, db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	applied, err := provider.Up(ctx) // the provider is not closed: that would close db
	for _, migration := range applied {
		logger.Info("migrated the database", "file", migration.Source.Path, "duration", migration.Duration)
	}
	return err
}
