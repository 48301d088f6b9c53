package pushnode

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/hot"
	"halley/pushnode/session"
	"halley/tenant"
)

const (
	// fadeInterval is how often what was counted fades.
	fadeInterval = 5 * time.Second
	// fadeHalf is in how much time it fades by half: what is told is of about the last minute.
	fadeHalf = 30 * time.Second
	// surveyAge is how old an answer about this node may be: to make one is to look at every connection.
	surveyAge = time.Second
)

// heat counts what happens where on this node.
type heat struct {
	channels *hot.Sketch[channel.ID]
	apps     *hot.Sketch[string] // fed by keep, with what the meter has counted since

	mu sync.Mutex
	// guarded by mu
	surveyed time.Time
	survey   survey // as of then
}

// survey is what a node knows of its channels and apps; immutable.
type survey struct{ channels, apps []HotThing }

func newHeat() *heat {
	return &heat{channels: hot.NewSketch(cloneID), apps: hot.NewSketch(strings.Clone)}
}

func cloneID(id channel.ID) channel.ID {
	return channel.ID{App: strings.Clone(id.App), Name: strings.Clone(id.Name)}
}

// keep has what was counted fade until ctx ends.
func (h *heat) keep(ctx context.Context, meter *tenant.Meter) {
	ticks := time.NewTicker(fadeInterval)
	defer ticks.Stop()
	share := math.Exp2(-float64(fadeInterval) / float64(fadeHalf))
	before := make(map[string]tenant.Values) // as many as the meter has apps
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		h.channels.Fade(share)
		h.apps.Fade(share)
		for app, total := range meter.Totals() {
			published, delivered := total.Publishes-before[app].Publishes, total.Deliveries-before[app].Deliveries
			before[app] = total
			if published+delivered > 0 {
				h.apps.Add(app, int(published), int(delivered))
			}
		}
	}
}

// look returns what this node knows, at most surveyAge old.
func (h *heat) look(now time.Time, sessions *session.Server) survey {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.surveyed) < surveyAge && !h.surveyed.IsZero() {
		return h.survey
	}
	queued := sessions.QueuedBytes()
	byApp := make(map[string]int)
	for id, bytes := range queued {
		byApp[id.App] += bytes
	}
	h.surveyed, h.survey = now, survey{channels: h.surveyChannels(queued), apps: h.surveyApps(byApp)}
	return h.survey
}

func (h *heat) surveyChannels(queued map[channel.ID]int) (list []HotThing) {
	for id, counts := range h.channels.All() {
		thing := perMinute(counts)
		thing.App, thing.Channel, thing.QueueBytes = id.App, id.Name, queued[id]
		list = append(list, thing)
		delete(queued, id)
	}
	for id, bytes := range queued {
		list = append(list, HotThing{App: id.App, Channel: id.Name, QueueBytes: bytes})
	}
	return list
}

func (h *heat) surveyApps(queued map[string]int) (list []HotThing) {
	for app, counts := range h.apps.All() {
		thing := perMinute(counts)
		thing.App, thing.QueueBytes = app, queued[app]
		list = append(list, thing)
		delete(queued, app)
	}
	for app, bytes := range queued {
		list = append(list, HotThing{App: app, QueueBytes: bytes})
	}
	return list
}

// perMinute is what faded counts are by the minute: at a steady rate they come to fadeHalf / ln 2 times the rate. Tenths are enough.
func perMinute(counts hot.Counts) HotThing {
	scale := float64(time.Minute) / (float64(fadeHalf) / math.Ln2)
	tenths := func(count float64) float64 { return math.Round(10*count*scale) / 10 }
	return HotThing{Publishes: tenths(counts.Publishes), Deliveries: tenths(counts.Deliveries)}
}
