package pushnode

import (
	"net/http"
	"time"

	"halley/auth"
	"halley/tenant"
)

// usageAnswer is what an app used this month and uses now, beside what it may.
type usageAnswer struct {
	Month  monthAnswer                `json:"month"`
	Now    nowAnswer                  `json:"now"`
	Limits map[tenant.LimitName]int64 `json:"limits"`
}

// monthAnswer counts a calendar month in UTC up to now, with what is not in the ledger yet.
type monthAnswer struct {
	Messages       int64 `json:"messages"` // publishes and deliveries: what messages_per_month bounds
	Publishes      int64 `json:"publishes"`
	Deliveries     int64 `json:"deliveries"`
	BytesIn        int64 `json:"bytes_in"`
	BytesOut       int64 `json:"bytes_out"`
	PresenceEvents int64 `json:"presence_events"`
	Resets         int64 `json:"resets"` // Unix ms
}

type nowAnswer struct {
	Connections int64 `json:"connections"`
}

// getUsage is GET /v1/usage.
func (n *Node) getUsage(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := wholeApp(grant); err != nil {
		return err
	}
	if _, err := knownQuery(r); err != nil {
		return err
	}
	app, err := n.app(grant.AppID)
	if err != nil {
		return err
	}
	current := n.meter.Current(app.ID, time.Now())
	month := current.Month
	limits := make(map[tenant.LimitName]int64)
	for _, spec := range tenant.LimitSpecs() {
		limits[spec.Name] = app.Limits.Get(spec.Name)
	}
	return answerJSON(w, usageAnswer{
		Month: monthAnswer{
			Messages: month.Messages(), Publishes: month.Publishes, Deliveries: month.Deliveries,
			BytesIn: month.BytesIn, BytesOut: month.BytesOut, PresenceEvents: month.PresenceEvents, Resets: current.Resets.UnixMilli(),
		},
		Now:    nowAnswer{Connections: current.Connections},
		Limits: limits,
	})
}
