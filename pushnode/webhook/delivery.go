package webhook

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// tracked is an event on its way to some endpoints.
type tracked struct {
	Event
	text []byte // as append wrote it
	// guarded by the engine's mu
	left int  // endpoints that have not settled it
	void bool // somebody else tells it
}

// delivery is one request to one endpoint, until it is accepted or given up.
type delivery struct {
	id       string
	events   []*tracked
	bytes    int
	attempts int
	begun    time.Time // of the first attempt
	due      time.Time // of the next one
}

func (d *delivery) add(event *tracked) {
	d.events = append(d.events, event)
	d.bytes += len(event.text)
}

// seal gives the delivery its name, which is the same for the same events to the same endpoint, whichever node sends them. An event that only
// this node tells has no name of its own: two that say the same in one millisecond are still two.
func (d *delivery) seal(endpoint string) {
	hash := xxhash.New()
	_, _ = hash.WriteString(endpoint)
	for _, one := range d.events {
		_, _ = hash.WriteString(one.ID)
		if one.ID == "" {
			_, _ = hash.Write(binary.LittleEndian.AppendUint64(nil, rand.Uint64()))
		}
		_, _ = hash.Write(binary.LittleEndian.AppendUint64(nil, uint64(one.Time)))
		_, _ = hash.Write(one.text)
	}
	d.id = "whd_" + strconv.FormatUint(hash.Sum64(), 36)
}

// takeVoid takes out events that somebody else tells by now.
func (d *delivery) takeVoid() (void []*tracked) {
	var kept []*tracked
	for _, one := range d.events {
		if one.Void != nil && one.Void() {
			void = append(void, one)
		} else {
			kept = append(kept, one)
		}
	}
	d.events = kept
	return void
}

// body is what is sent: its time is that of the first event, at each attempt.
func (d *delivery) body() []byte {
	texts := make([][]byte, len(d.events))
	for i, one := range d.events {
		texts[i] = one.text
	}
	return appendBody(nil, d.events[0].Time, texts)
}

// Outcome is how a delivery stands after an attempt.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted" // 2xx
	Retrying Outcome = "retrying"
	GivenUp  Outcome = "given_up"
)

// Report is what an app's owner is shown of a delivery, after each attempt.
type Report struct {
	ID       string
	App      string
	Endpoint string
	Outcome  Outcome
	Attempt  Attempt // the latest
	Attempts int
	Events   int
	Body     []byte
	Begun    time.Time // of the first attempt
	Next     time.Time // of the next one; zero: there is none
}

// Log keeps reports. It must not block; a later report of a delivery replaces the one before.
type Log interface{ Report(Report) }
