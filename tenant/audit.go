package tenant

import (
	"context"
	"fmt"
	"time"
)

// AuditRow is one change that somebody made. Rows are only ever added.
type AuditRow struct {
	ID        string
	At        time.Time
	Actor     string // user id, or "operator"
	Role      Role   // at that time
	IP        string
	RequestID string
	Action    string // "key.create" …
	Target    string // id of what was changed
	Detail    string // JSON object, without secrets
}

// auditPage is how many rows are returned at once.
const auditPage = 100

const sqlAudit = `SELECT audit_id, at, actor, role, ip, request_id, action, target, detail FROM audit_rows
	WHERE account_id = $1 AND ($2 = '' OR audit_id < $2) ORDER BY audit_id DESC LIMIT $3`

// Audit lists what was done in the account, the newest first, 100 rows at most; before is the last id of the page before, or
// empty.
func (s *Store) Audit(ctx context.Context, scope Scope, before string) ([]AuditRow, error) {
	if !scope.May(Members, "") {
		return nil, fmt.Errorf("audit log: %w: as %s", ErrForbidden, scope.role)
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (AuditRow, error) {
		var row AuditRow
		var at int64
		err := scan(&row.ID, &at, &row.Actor, &row.Role, &row.IP, &row.RequestID, &row.Action, &row.Target, &row.Detail)
		row.At = moment(at)
		return row, err
	}, sqlAudit, scope.accountID, before, auditPage)
}
