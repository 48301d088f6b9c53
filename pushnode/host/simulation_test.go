package host_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

var (
	seeds     = flag.Int("seeds", 300, "how many simulations to run")
	firstSeed = flag.Uint64("seed", 1, "the first simulation's seed; with -seeds 1, it is replayed and told")
)

// simLength is how long a simulated cluster is under load; then everything heals and comes to rest.
const (
	simLength = 60 * second
	simRest   = 25 * second
	longRests = 10 // one of so many rests until no member may be left whose client is gone
	// convergeLimit is how long it may take until leaders and copies are where they belong: a view that is stable for 5 s, a death that
	// is noticed after 5.5 s, and a step of a slot's copies each second.
	convergeLimit = 20 * second
)

// mostFailures is how many seeds fail until no more are tried.
const mostFailures = 5

// TestSimulation runs whole clusters on a virtual network under faults. A failing seed prints itself and the faults that matter; it is
// replayed with -seed N -seeds 1.
func TestSimulation(t *testing.T) {
	count := *seeds
	if withoutRace(t) {
		count = min(count, racedSeeds)
	}
	var next atomic.Uint64
	var failed atomic.Int64
	next.Store(*firstSeed)
	last := *firstSeed + uint64(count)
	total := totals{taken: timeTaken{}}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < last && failed.Load() < mostFailures; seed = next.Add(1) - 1 {
				w := simulate(seed, makePlan(seed, simLength), sound)
				total.add(w)
				if w.failure != "" {
					failed.Add(1)
					report(t, seed, w)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d seeds: %v", count, &total)
}

// TestSimulationRepeats runs seeds twice: what happens follows from the seed alone.
func TestSimulationRepeats(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+3; seed++ {
		first, second := simulate(seed, makePlan(seed, simLength), sound), simulate(seed, makePlan(seed, simLength), sound)
		if first.told.Sum64() != second.told.Sum64() || first.history.frames != second.history.frames {
			t.Errorf("seed %d: %d frames, story %x; again %d frames, story %x",
				seed, first.history.frames, first.told.Sum64(), second.history.frames, second.told.Sum64())
		}
	}
}

func report(t *testing.T, seed uint64, failed *world) {
	small := shrink(seed, makePlan(seed, simLength))
	w := simulate(seed, small, sound)
	t.Errorf("seed %d: %s\nwith fewer faults: %s\n%v\n%s", seed, failed.failure, w.failure, small, w.story())
}

// shrink leaves out faults as long as something still goes wrong.
func shrink(seed uint64, p plan) plan {
	for size := len(p.faults); size > 0; size /= 2 {
		for i := 0; i+size <= len(p.faults); {
			fewer := p
			fewer.faults = slices.Delete(slices.Clone(p.faults), i, i+size)
			if simulate(seed, fewer, sound).failure != "" {
				p = fewer
			} else {
				i += size
			}
		}
	}
	return p
}

// simulate runs one cluster, or a broken build of it, to its end or to its first violation.
func simulate(seed uint64, p plan, broken breakage) *world {
	w := newWorld(seed)
	w.twoNodes = host.Strict // what goes on without proof is sim_recovery_test.go's
	w.broken = broken
	w.live(seed, p)
	return w
}

// live runs a world. What panics is a violation.
func (w *world) live(seed uint64, p plan) {
	defer func() {
		if fault := recover(); fault != nil {
			w.fail("panic", "%v", fault)
		}
	}()
	w.places, w.skew = p.places, int64(seed%3/2)
	w.found()
	for _, f := range p.faults {
		w.after(f.at, func() { w.strike(f) })
	}
	for end := second; end <= p.length && w.failure == ""; end += second {
		w.run(end)
	}
	w.heal()
	rest := simRest
	if seed%longRests == 0 {
		rest += lostGrace + restSlack
	}
	for end := w.now + second; end <= p.length+rest && w.failure == ""; end += second {
		if end > p.length+simRest/2 {
			w.silence()
		}
		w.run(end)
		w.converge(p)
	}
	if w.failure == "" {
		w.checkEnd()
	}
	if w.failure == "" && w.history.fullest == 0 {
		w.fail("I22", "nothing was kept that could have been too much")
	}
}

// found begins a cluster, and its clients.
func (w *world) found() {
	founder := w.start(0)
	if err := founder.host.Found(founder.clock()); err != nil {
		w.fail("start", "%v", err)
	}
	for place := 1; place < w.places; place++ {
		w.after(w.between(0, second), func() { w.start(place) })
	}
	w.membership()
	w.clients()
}

// converge takes note of when all slots are first as they should be after everything healed.
func (w *world) converge(p plan) {
	if len(w.taken["converge"]) > 0 {
		return
	}
	for slot := range simSlots {
		if w.unrest(slot) != "" {
			return
		}
	}
	w.took("converge", w.now-p.length, convergeLimit, "until all is as it should be")
}

// clients lets publishers and subscribers begin.
func (w *world) clients() {
	for i := range 5 {
		p := &publisher{w: w, name: fmt.Sprint("p", i), rate: w.between(40*millisecond, 400*millisecond)}
		w.publishers = append(w.publishers, p)
		w.after(w.between(0, 5*second), p.next)
	}
	for i := range 6 {
		s := &subscriber{
			w: w, name: fmt.Sprint("s", i), begun: map[channel.ID]bool{}, last: map[channel.ID]channel.Position{},
			first: map[channel.ID]channel.Position{}, ids: map[channel.ID]map[string]bool{},
		}
		w.subscribers = append(w.subscribers, s)
		w.after(w.between(0, 15*second), s.connect)
	}
	for i := range 6 {
		m := &member{w: w, name: fmt.Sprint("m", i), data: "0", room: w.channels[i%3]}
		w.members = append(w.members, m)
		w.after(w.between(0, 10*second), m.connect)
		w.after(w.between(5*second, 15*second), m.stir)
	}
	w.visit()
	w.fillRing(0)
}

// heal ends all faults.
func (w *world) heal() {
	w.log("all heals")
	w.quiet = true
	w.network.slow = 0
	for a := range w.places {
		for b := range w.places {
			if a != b && w.network.cut[pair{uint64(a), uint64(b)}] {
				w.network.heal(a, b)
			}
		}
		if n := w.at(a); n != nil && n.paused {
			n.resume()
		}
		w.restart(a)
	}
}

// silence has publishers publish no more.
func (w *world) silence() {
	for _, p := range w.publishers {
		p.silent = true
	}
}

// totals sums up what simulations did, for who wants to know that they did something.
type totals struct {
	mu                                         sync.Mutex
	published, acked, delivered, frames, lives int
	sessions, enters, leaves, attaches, again  int
	hooks, vacated                             int
	taken                                      timeTaken
}

func (t *totals) add(w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.published += len(w.sentMessages)
	for _, m := range w.sentMessages {
		if m.acked != 0 {
			t.acked++
		}
	}
	t.delivered += w.history.delivered
	t.frames += w.history.frames
	t.again += w.history.again
	t.lives += len(w.all)
	t.taken.add(w.taken)
	t.sessions += len(w.sessions)
	t.hooks += len(w.hooks)
	for _, one := range w.hooks {
		if one.ClientID == "" && !one.Present {
			t.vacated++
		}
	}
	for _, session := range w.sessions {
		t.attaches += int(session.generation)
	}
	for _, seen := range w.rooms {
		for _, event := range seen.events {
			switch event.Action {
			case channel.ActionEnter:
				t.enters++
			case channel.ActionLeave:
				t.leaves++
			}
		}
	}
}

func (t *totals) String() string {
	return fmt.Sprintf("%d lives of nodes, %d copies where there was one, %d published, %d acknowledged, %d delivered, %d sessions attached %d times, %d enters, %d leaves, %d hooks of which %d vacated a channel, %d frames%v",
		t.lives, t.again, t.published, t.acked, t.delivered, t.sessions, t.attaches, t.enters, t.leaves, t.hooks, t.vacated, t.frames, t.taken)
}
