package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// transact runs do in a transaction and commits it where do returns nil. The transaction has a deadline of its own, which ends
// the statements in it too: database/sql rolls it back then.
func (s *Store) transact(ctx context.Context, do func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return storeError(err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := do(ctx, tx); err != nil {
		return storeError(err)
	}
	return storeError(tx.Commit())
}

// affected returns how many rows a statement changed.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one turns "no row was changed" into ErrNotFound.
func one(result sql.Result, err error) error {
	count, err := affected(result, err)
	if err == nil && count == 0 {
		return ErrNotFound
	}
	return err
}

// wrap puts the operation in front of an error; what a person did wrong needs no such words.
func wrap(operation string, err error) error {
	var wrong *InvalidError
	if err == nil || errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// randomBytes never fails: crypto/rand ends the process instead.
func randomBytes(count int) []byte {
	bytes := make([]byte, count)
	rand.Read(bytes)
	return bytes
}
