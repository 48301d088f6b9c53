package tenant

import (
	"context"
	"database/sql"
)

// What is sealed and stays: the rest (flashes) lives for minutes.
const (
	sqlSealedTokenKeys   = `SELECT account_id, app_id, token_key_id, sealed FROM token_keys`
	sqlResealTokenKey    = `UPDATE token_keys SET sealed = $4 WHERE account_id = $1 AND app_id = $2 AND token_key_id = $3`
	sqlSealedPusherKeys  = `SELECT account_id, app_id, pusher_key, sealed FROM pusher_keys`
	sqlResealPusherKey   = `UPDATE pusher_keys SET sealed = $4 WHERE account_id = $1 AND app_id = $2 AND pusher_key = $3`
	sqlSealedWebhooks    = `SELECT account_id, app_id, endpoint_id, sealed FROM webhook_endpoints`
	sqlResealWebhook     = `UPDATE webhook_endpoints SET sealed = $4 WHERE account_id = $1 AND app_id = $2 AND endpoint_id = $3`
	sqlSealedSigningKeys = `SELECT '', '', key_id, sealed FROM signing_keys`
	sqlResealSigningKey  = `UPDATE signing_keys SET sealed = $2 WHERE key_id = $1`
)

type sealedRow struct {
	accountID, appID, id string
	sealed               []byte
}

// Reseal seals everything anew that was not sealed with the first key of the master key file. Afterwards the others may be taken
// out of it. It returns how many secrets it sealed.
func (s *Store) Reseal(ctx context.Context) (count int, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, sqlHold).Scan(new(string)); err != nil {
			return err
		}
		tokens, err := s.reseal(ctx, tx, sqlSealedTokenKeys, func(row sealedRow) []byte {
			return place(row.accountID, "token_keys", row.appID+"|"+row.id)
		}, func(row sealedRow, sealed []byte) error {
			return one(tx.ExecContext(ctx, sqlResealTokenKey, row.accountID, row.appID, row.id, sealed))
		})
		if err != nil {
			return err
		}
		pushers, err := s.reseal(ctx, tx, sqlSealedPusherKeys, func(row sealedRow) []byte {
			return pusherPlace(row.accountID, row.appID, row.id)
		}, func(row sealedRow, sealed []byte) error {
			return one(tx.ExecContext(ctx, sqlResealPusherKey, row.accountID, row.appID, row.id, sealed))
		})
		if err != nil {
			return err
		}
		webhooks, err := s.reseal(ctx, tx, sqlSealedWebhooks, func(row sealedRow) []byte {
			return webhookPlace(row.accountID, row.appID, row.id)
		}, func(row sealedRow, sealed []byte) error {
			return one(tx.ExecContext(ctx, sqlResealWebhook, row.accountID, row.appID, row.id, sealed))
		})
		if err != nil {
			return err
		}
		signing, err := s.reseal(ctx, tx, sqlSealedSigningKeys, func(row sealedRow) []byte {
			return place("", "signing_keys", row.id)
		}, func(row sealedRow, sealed []byte) error {
			return one(tx.ExecContext(ctx, sqlResealSigningKey, row.id, sealed))
		})
		if err != nil {
			return err
		}
		count = tokens + pushers + webhooks + signing
		_, err = tx.ExecContext(ctx, sqlSetMasterKey, s.seals.fingerprint())
		return err
	})
	return count, wrap("reseal", err)
}

// reseal goes through the rows of a query: where says what place one is sealed for, write puts it back.
func (s *Store) reseal(ctx context.Context, tx *sql.Tx, query string,
	where func(sealedRow) []byte, write func(sealedRow, []byte) error,
) (int, error) {
	rows, err := collect(ctx, tx, func(scan func(...any) error) (row sealedRow, err error) {
		err = scan(&row.accountID, &row.appID, &row.id, &row.sealed)
		return row, err
	}, query)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, row := range rows {
		if !s.seals.stale(row.sealed) {
			continue
		}
		secret, err := s.seals.open(row.sealed, where(row))
		if err != nil {
			return count, err
		}
		if err := write(row, s.seals.seal(secret, where(row))); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}
