package verify

import (
	"sync"
	"time"

	"halley/cmd/halley/verify/history"
)

// Recorder gathers the history of a run from all clients. Its own clock gives each event its time, under one lock, so that the order of
// the history is the order of the times: what is recorded before a request is sent comes before all that follows from it.
type Recorder struct {
	begun time.Time // immutable

	mu     sync.Mutex
	events []history.Event      // guarded by mu, as all below
	heads  map[string]mark      // by channel, the highest position that was acknowledged
	counts map[history.Kind]int // for the line of progress
}

// mark is a position of one channel.
type mark struct {
	epoch  string
	offset uint64
}

// NewRecorder begins an empty history now.
func NewRecorder() *Recorder {
	return &Recorder{begun: time.Now(), heads: make(map[string]mark), counts: make(map[history.Kind]int)}
}

// Now is the time since the run began.
func (r *Recorder) Now() time.Duration { return time.Since(r.begun) }

// Add records an event; its time is now.
func (r *Recorder) Add(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At = r.Now()
	r.events = append(r.events, e)
	r.counts[e.Kind]++
	if e.Kind == history.OK {
		if head := r.heads[e.Channel]; head.epoch != e.Epoch || head.offset < e.Offset {
			r.heads[e.Channel] = mark{e.Epoch, e.Offset}
		}
	}
}

// Events is the history so far. The caller must not change it, and adds nothing while it reads.
func (r *Recorder) Events() []history.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// head is the highest position of a channel that was acknowledged.
func (r *Recorder) head(channel string) mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heads[channel]
}

// count is how many events of a kind there are.
func (r *Recorder) count(kind history.Kind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[kind]
}
