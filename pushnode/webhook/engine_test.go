package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
)

// trial is an engine whose endpoints answer as a test says.
type trial struct {
	*Engine
	t *testing.T

	mu        sync.Mutex
	endpoints []Endpoint
	answer    func(Post) Attempt
	posts     []Post
	times     []time.Duration // since the beginning
	begun     time.Time
	reports   []Report
	done      []string // ids of events
}

func (tr *trial) Endpoints(app string) (list []Endpoint, signer Signer) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, one := range tr.endpoints {
		if one.App == app {
			list = append(list, one)
		}
	}
	return list, Signer{Key: "key", Secret: auth.NewSecret("secret")}
}

func (tr *trial) Report(report Report) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.reports = append(tr.reports, report)
}

func (tr *trial) send(_ context.Context, post Post) Attempt {
	tr.mu.Lock()
	tr.posts = append(tr.posts, post)
	tr.times = append(tr.times, time.Since(tr.begun))
	tr.mu.Unlock()
	return tr.answer(post)
}

// kept is an event that somebody keeps.
func (tr *trial) kept(id string) Event {
	return Event{App: "app", Kind: Occupied, Channel: "room", Time: 17, ID: id, Done: func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.done = append(tr.done, id)
	}}
}

// try runs an engine in a bubble, and ends it.
func try(t *testing.T, do func(tr *trial), endpoints ...Endpoint) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tr := &trial{t: t, endpoints: endpoints, begun: time.Now(), answer: func(Post) Attempt { return Attempt{Status: 200} }}
		tr.Engine = New(Config{
			Source: tr, Send: tr.send, Log: tr, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { tr.Run(ctx) })
		do(tr)
		cancel()
		running.Wait()
	})
}

func (tr *trial) wants(what string, got, want any) {
	tr.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		tr.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// sent is what endpoints got so far.
func (tr *trial) sent() []Post {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.posts)
}

// settled is the ids of events that need not be kept any more.
func (tr *trial) settled() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.done)
}

// told is the reports so far.
func (tr *trial) told() []Report {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.reports)
}

// heldBytes is what the engine counts as held.
func (tr *trial) heldBytes() int {
	tr.Engine.mu.Lock()
	defer tr.Engine.mu.Unlock()
	return tr.bytes
}

// pass lets time pass, and everything happen that is due by then.
func (tr *trial) pass(wait time.Duration) {
	time.Sleep(wait)
	synctest.Wait()
}

func (tr *trial) take(event Event) {
	tr.t.Helper()
	if !tr.Take(event) {
		tr.t.Errorf("%s was not taken", event.ID)
	}
}

// TestEventsAreTold sends each event in a request of its own to each endpoint that wants it, and says when all have it.
func TestEventsAreTold(t *testing.T) {
	try(t, func(tr *trial) {
		tr.take(tr.kept("a"))
		tr.take(tr.kept("b"))
		tr.take(Event{App: "another", Kind: Occupied, Channel: "room"})
		synctest.Wait()
		tr.wants("requests", len(tr.sent()), 4)
		tr.wants("done", len(tr.settled()), 2)
		tr.wants("body", string(tr.sent()[0].Body), `{"time_ms":17,"events":[{"name":"channel_occupied","channel":"room"}]}`)
		tr.wants("waiting", tr.waiting(), 0)
		tr.wants("bytes", tr.heldBytes(), 0)
	}, Endpoint{ID: "1", App: "app"}, Endpoint{ID: "2", App: "app"}, Endpoint{ID: "3", App: "app", Kinds: []Kind{Vacated}})
}

// TestNobodyWants settles at once what no endpoint wants.
func TestNobodyWants(t *testing.T) {
	try(t, func(tr *trial) {
		tr.take(tr.kept("a"))
		tr.wants("done", tr.settled(), "[a]")
	})
}

// TestRetries tries for five minutes and more, with growing waits, with the same body and name, and then gives up.
func TestRetries(t *testing.T) {
	try(t, func(tr *trial) {
		tr.answer = func(Post) Attempt { return Attempt{Status: 500} }
		tr.take(tr.kept("a"))
		tr.pass(10 * time.Minute)
		if last := tr.times[len(tr.times)-1]; last < 5*time.Minute || last > 7*time.Minute || len(tr.times) != 11 {
			t.Errorf("tried at %v", tr.times)
		}
		for i := 2; i < len(tr.times); i++ {
			longest := 75 * time.Second
			if before, after := tr.times[i-1]-tr.times[i-2], tr.times[i]-tr.times[i-1]; after < before && before < time.Minute || after > longest {
				t.Errorf("tried at %v: %v after %v", tr.times, after, before)
			}
		}
		for _, post := range tr.sent() {
			if string(post.Body) != string(tr.sent()[0].Body) || post.ID != tr.sent()[0].ID {
				t.Errorf("%s: %s, first %s: %s", post.ID, post.Body, tr.sent()[0].ID, tr.sent()[0].Body)
			}
		}
		last := tr.told()[len(tr.told())-1]
		tr.wants("outcome", last.Outcome, GivenUp)
		tr.wants("attempts", last.Attempts, len(tr.sent()))
		tr.wants("done", tr.settled(), "[a]")
	}, Endpoint{ID: "1", App: "app"})
}

// TestLikeEventsAreTwo gives two events that say the same their own names: a receiver may take the same name for a repetition. An event that
// any node may tell has the same name from each.
func TestLikeEventsAreTwo(t *testing.T) {
	try(t, func(tr *trial) {
		said := Event{App: "app", Kind: ClientEvent, Channel: "private-room", Name: "client-ping", Data: "{}", SocketID: "1.2", Time: 17}
		tr.take(said)
		tr.take(said)
		tr.take(tr.kept("a"))
		tr.take(tr.kept("a"))
		synctest.Wait()
		names := map[string]int{}
		for _, post := range tr.sent() {
			names[post.ID]++
		}
		tr.wants("requests", len(tr.sent()), 4)
		tr.wants("names", len(names), 3)
	}, Endpoint{ID: "1", App: "app"})
}

// TestSecondAttempt is accepted, and is the last.
func TestSecondAttempt(t *testing.T) {
	try(t, func(tr *trial) {
		attempts := 0
		tr.answer = func(Post) Attempt {
			if attempts++; attempts == 1 {
				return Attempt{Fault: "nobody there"}
			}
			return Attempt{Status: 204}
		}
		tr.take(tr.kept("a"))
		synctest.Wait()
		tr.wants("done", len(tr.settled()), 0)
		tr.wants("outcome", tr.told()[0].Outcome, Retrying)
		tr.pass(time.Hour)
		tr.wants("requests", len(tr.sent()), 2)
		tr.wants("outcome", tr.told()[1].Outcome, Accepted)
		tr.wants("done", tr.settled(), "[a]")
	}, Endpoint{ID: "1", App: "app"})
}

// TestBatch puts events together that come within a second, as many as one request may have.
func TestBatch(t *testing.T) {
	try(t, func(tr *trial) {
		for i := range batchEvents + 3 {
			tr.take(tr.kept(fmt.Sprint(i)))
		}
		tr.pass(900 * time.Millisecond)
		tr.wants("requests", len(tr.sent()), 1)
		tr.pass(200 * time.Millisecond)
		tr.wants("requests", len(tr.sent()), 2)
		tr.wants("events in the first", strings.Count(string(tr.sent()[0].Body), "channel_occupied"), batchEvents)
		tr.wants("events in the second", strings.Count(string(tr.sent()[1].Body), "channel_occupied"), 3)
		tr.wants("done", len(tr.settled()), batchEvents+3)
	}, Endpoint{ID: "1", App: "app", Batch: true})
}

// TestSlowEndpointHoldsUpNoOther gives an endpoint four requests at a time, and others theirs meanwhile.
func TestSlowEndpointHoldsUpNoOther(t *testing.T) {
	try(t, func(tr *trial) {
		tr.answer = func(post Post) Attempt {
			if post.Endpoint.ID == "slow" {
				time.Sleep(attemptTime)
			}
			return Attempt{Status: 200}
		}
		for i := range 10 {
			tr.take(tr.kept(fmt.Sprint(i)))
		}
		synctest.Wait()
		tr.wants("requests", len(tr.sent()), concurrency+10)
		tr.pass(3 * attemptTime)
		tr.wants("done", len(tr.settled()), 10)
	}, Endpoint{ID: "slow", App: "app"}, Endpoint{ID: "quick", App: "app"})
}

// TestFullLine refuses what somebody keeps where there is no room, and loses the rest.
func TestFullLine(t *testing.T) {
	try(t, func(tr *trial) {
		tr.answer = func(Post) Attempt { return Attempt{Status: 503} }
		for i := range maxWaiting {
			tr.take(tr.kept(fmt.Sprint(i)))
		}
		if tr.Take(tr.kept("more")) {
			t.Error("taken beyond the bound")
		}
		if !tr.Take(Event{App: "app", Kind: ClientEvent, Channel: "room"}) {
			t.Error("an event that nobody keeps comes back")
		}
		tr.wants("waiting", tr.waiting(), maxWaiting)
	}, Endpoint{ID: "1", App: "app"})
}

// TestEndpointThatIsGone gets nothing more, and nobody waits for it.
func TestEndpointThatIsGone(t *testing.T) {
	try(t, func(tr *trial) {
		tr.answer = func(Post) Attempt { return Attempt{Status: 500} }
		tr.take(tr.kept("a"))
		synctest.Wait()
		tr.mu.Lock()
		tr.endpoints = nil
		tr.mu.Unlock()
		tr.pass(time.Hour)
		tr.wants("requests", len(tr.sent()), 1)
		tr.wants("done", tr.settled(), "[a]")
	}, Endpoint{ID: "1", App: "app"})
}

// TestVoidEvents are left to whoever tells them, who has them kept.
func TestVoidEvents(t *testing.T) {
	try(t, func(tr *trial) {
		tr.answer = func(Post) Attempt { return Attempt{Status: 500} }
		var void atomic.Bool
		event := tr.kept("a")
		event.Void = void.Load
		tr.take(event)
		tr.take(tr.kept("b"))
		tr.pass(1500 * time.Millisecond)
		void.Store(true)
		tr.pass(time.Hour)
		tr.wants("done", tr.settled(), "[b]")
		tr.wants("waiting", tr.waiting(), 0)
		tr.wants("bytes", tr.heldBytes(), 0)
		for _, post := range tr.sent()[1:] {
			tr.wants("events", strings.Count(string(post.Body), "channel_occupied"), 1)
		}
	}, Endpoint{ID: "1", App: "app", Batch: true})
}

// TestEndAmidWork tells nobody that an event was told which was not.
func TestEndAmidWork(t *testing.T) {
	var ended *trial
	try(t, func(tr *trial) {
		ended = tr
		tr.answer = func(Post) Attempt { return Attempt{Status: 500} }
		tr.take(tr.kept("a"))
		synctest.Wait()
	}, Endpoint{ID: "1", App: "app"})
	if len(ended.settled()) > 0 || ended.Take(ended.kept("b")) {
		t.Errorf("done: %v, or taken after the end", ended.settled())
	}
}

// TestBeforeRun keeps what comes until the engine runs.
func TestBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trial{t: t, endpoints: []Endpoint{{ID: "1", App: "app"}}, answer: func(Post) Attempt { return Attempt{Status: 200} }}
		tr.Engine = New(Config{
			Source: tr, Send: tr.send, Log: tr, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		tr.take(tr.kept("a"))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { tr.Run(ctx) })
		synctest.Wait()
		tr.wants("done", tr.settled(), "[a]")
		cancel()
		running.Wait()
	})
}
