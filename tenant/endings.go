package tenant

import "time"

// endings are when rolled Pusher keys stop working: by the clock, which no change in the database tells. Whoever is connected by such a
// key must be looked at again then. Guarded by Directory.placing; at most one entry for each app in memory.
type endings map[string]time.Time // app id -> the soonest end of its keys

// note takes down when the next key of a view ends after now.
func (e endings) note(view *AppView, now time.Time) {
	delete(e, view.ID)
	if view.pusher == nil {
		return
	}
	for _, key := range view.pusher.keys {
		if soonest, noted := e[view.ID]; key.revokedAt.After(now) && (!noted || key.revokedAt.Before(soonest)) {
			e[view.ID] = key.revokedAt
		}
	}
}

// ended returns the apps of which a key has ended since the last call.
func (d *Directory) ended(now time.Time) []string {
	d.placing.Lock()
	defer d.placing.Unlock()
	var apps []string
	for appID, end := range d.endings {
		if now.Before(end) {
			continue
		}
		apps = append(apps, appID)
		delete(d.endings, appID)
		if view := d.known(appID); view != nil {
			d.endings.note(view, now)
		}
	}
	return apps
}
