package tenant

import (
	"context"
	"database/sql"
	"time"
)

// The statements about nodes. They are no tenant's.
const (
	sqlReportNode = `INSERT INTO nodes (instance, name, started_at, seen_at, report, buried_at) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (instance) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at, report = excluded.report, buried_at = 0`
	sqlBuriedNode  = `SELECT count(*) FROM nodes WHERE instance = $1 AND buried_at <> 0`
	sqlForgetNodes = `DELETE FROM nodes WHERE seen_at < $1`
	sqlRemoveNode  = `DELETE FROM nodes WHERE instance = $1`
	sqlNodes       = `SELECT instance, name, started_at, seen_at, report, buried_at FROM nodes ORDER BY name, started_at, instance`
	sqlBuryNode    = `INSERT INTO nodes (instance, name, started_at, seen_at, report, buried_at) VALUES ($1, '', $2, $2, '{}', $2)
		ON CONFLICT (instance) DO UPDATE SET buried_at = excluded.buried_at`
)

// nodeMemory is how long a node that says nothing any more is listed: an operator wants to see who is missing.
const nodeMemory = time.Hour

// NodeReport is what a process says of itself. Its times are those of the database's clock, for those of nodes differ.
type NodeReport struct {
	Instance string
	Name     string
	Started  time.Time
	Seen     time.Time
	Silence  time.Duration // since Seen
	Report   string        // JSON that package tenant does not look into
	Buried   time.Time     // when an operator called it dead; zero: nobody has
}

// ReportNode writes down what a process says of itself that has run for up, and forgets those that have said nothing for an hour. It reports
// whether an operator has called the process dead since it last said something; that word is taken back by this.
func (s *Store) ReportNode(ctx context.Context, instance, name, report string, up time.Duration) (buried bool, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := s.engine.now(ctx, tx)
		if err != nil {
			return err
		}
		var words int
		if err := tx.QueryRowContext(ctx, sqlBuriedNode, instance).Scan(&words); err != nil {
			return err
		}
		buried = words > 0
		if _, err := tx.ExecContext(ctx, sqlReportNode, instance, name, now-up.Milliseconds(), now, report); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, sqlForgetNodes, now-nodeMemory.Milliseconds())
		return err
	})
	return buried && err == nil, wrap("report the node", err)
}

// RemoveNode forgets a process that ends in an orderly way.
func (s *Store) RemoveNode(ctx context.Context, instance string) error {
	return wrap("remove the node", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlRemoveNode, instance)
		return err
	}))
}

// BuryNode writes down that an operator calls a process dead, for ever, also one that is not listed any more. It is remembered for an
// hour, unless the process says something after that: then it lives.
func (s *Store) BuryNode(ctx context.Context, instance string) error {
	return wrap("call the node dead", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := s.engine.now(ctx, tx)
		if err == nil {
			_, err = tx.ExecContext(ctx, sqlBuryNode, instance, now)
		}
		return err
	}))
}

// Nodes returns what processes say of themselves, by name, then start.
func (s *Store) Nodes(ctx context.Context) ([]NodeReport, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	now, err := s.engine.now(ctx, s.db)
	if err != nil {
		return nil, wrap("list the nodes", storeError(err))
	}
	rows, err := s.db.QueryContext(ctx, sqlNodes)
	if err != nil {
		return nil, wrap("list the nodes", storeError(err))
	}
	defer rows.Close()
	var nodes []NodeReport
	for rows.Next() {
		var one NodeReport
		var started, seen, buried int64
		if err := rows.Scan(&one.Instance, &one.Name, &started, &seen, &one.Report, &buried); err != nil {
			return nil, wrap("list the nodes", storeError(err))
		}
		one.Started, one.Seen = time.UnixMilli(started), time.UnixMilli(seen)
		one.Silence = time.Duration(max(now-seen, 0)) * time.Millisecond
		if buried != 0 {
			one.Buried = time.UnixMilli(buried)
		}
		nodes = append(nodes, one)
	}
	return nodes, wrap("list the nodes", storeError(rows.Err()))
}
