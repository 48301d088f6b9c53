package tenant

import (
	"context"
	"time"
)

// How exactly the last use of keys is known.
const (
	usedInterval   = time.Minute // between two writings to the database
	usedResolution = time.Second // a key in constant use is not noted more often: this is on the way of every request
)

// keyUse is when a key was last used, and whose it is.
type keyUse struct {
	accountID, appID string
	at               time.Time
}

// KeyUsed notes that a key was used. It reaches the database once a minute.
func (d *Directory) KeyUsed(appID, keyID string, now time.Time) {
	if noted, found := d.used.Load(keyID); found && now.Sub(noted.(keyUse).at) < usedResolution {
		return
	}
	if view := d.known(appID); view != nil && keyID != "" {
		d.used.Store(keyID, keyUse{view.AccountID, appID, now})
	}
}

// writeUsed brings the keys' last use to the database. What fails is tried again a minute later.
func (d *Directory) writeUsed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepDeadline)
	defer cancel()
	d.used.Range(func(keyID, use any) bool {
		if err := d.store.writeKeyUse(ctx, keyID.(string), use.(keyUse)); err != nil {
			d.logger.Debug("last use of keys cannot be written and waits", "err", err)
			return false
		}
		d.used.CompareAndDelete(keyID, use)
		return true
	})
}
