package tenant

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reading another server's table is done once, by hand, over networks of any kind.
const (
	foreignDeadline = 30 * time.Second
	maxForeignRows  = 10_001 // one more than anybody reads
)

// sqlForeignApps reads the table of another server, in a database that is not Halley's.
const sqlForeignApps = `SELECT row_to_json(theirs)::text FROM apps theirs LIMIT $1`

// ForeignApps reads the table apps of another server that speaks Pusher's protocol (soketi, say) from its Postgres database: a JSON
// object for each row. It changes nothing there. Errors do not show the address's password.
func ForeignApps(ctx context.Context, address string) (rows string, err error) {
	ctx, cancel := context.WithTimeout(ctx, foreignDeadline)
	defer cancel()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return "", invalid("address", "%v", err) // pgx leaves the password out
	}
	config.ConnectTimeout = connectDeadline
	config.RuntimeParams["default_transaction_read_only"] = "on"
	config.RuntimeParams["statement_timeout"] = strconv.FormatInt(foreignDeadline.Milliseconds(), 10)
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return "", fmt.Errorf("open that database: %w", storeError(err))
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	found, err := connection.Query(ctx, sqlForeignApps, maxForeignRows)
	if err != nil {
		return "", fmt.Errorf("read the table apps: %w", storeError(err))
	}
	list, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("read the table apps: %w", storeError(err))
	}
	return strings.Join(list, "\n"), nil
}
