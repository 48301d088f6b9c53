package host_test

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

var (
	lossSeeds = flag.Int("loss-seeds", 18, "how many simulations of lost majorities to run of each of eleven kinds")
	lossSeed  = flag.Uint64("loss-seed", 1, "the first seed of these")
	lossKind  = flag.String("loss-kind", "", "only this kind")
)

const (
	lossLength = 40 * second
	lossRest   = 30 * second
)

// loss is one kind of simulations in which slots lose their majority.
type loss struct {
	name    string
	places  int
	mode    host.TwoNodes
	waits   bool // nothing must be recovered
	five    bool // copies of each slot, for three
	kept    bool // every acknowledged message must be there in the end
	gapless bool // and nobody is told of a gap
	hit     func(w *lossWorld)
}

var losses = []loss{
	{name: "kill of either", places: 2, kept: true, gapless: true, hit: (*lossWorld).killOne},
	{name: "kill of either, strict", places: 2, mode: host.Strict, kept: true, gapless: true, hit: (*lossWorld).killOne},
	{name: "silence between two", places: 2, kept: true, gapless: true, hit: (*lossWorld).cut},
	{name: "refusal between two", places: 2, kept: true, hit: (*lossWorld).cutRefusing},
	{name: "refusal between two, strict", places: 2, mode: host.Strict, waits: true, kept: true, gapless: true, hit: (*lossWorld).cutRefusing},
	{name: "kill of two in three", places: 3, hit: (*lossWorld).killTwo},
	{name: "kill of two in three, the third lags", places: 3, hit: (*lossWorld).killTwoBeforeOne},
	{name: "kill of three in five", places: 5, hit: (*lossWorld).killThree},
	{name: "kill of three copies of five", places: 5, five: true, hit: (*lossWorld).killThree},
	{name: "storm", places: 4, hit: (*lossWorld).storm},
	{name: "wrong word of an operator", places: 3, kept: true, hit: (*lossWorld).lie},
}

// lossWorld is a world whose slots lose their majority.
type lossWorld struct {
	*world
	loss
	refusing bool                 // firewalls refuse what is cut
	proofs   map[[2]uint64]moment // when a node learns that an instance's address has another instance
	refusals map[[2]uint64]moment
}

func TestLoss(t *testing.T) {
	if withoutRace(t) {
		return
	}
	for _, kind := range losses {
		if *lossKind != "" && kind.name != *lossKind {
			continue
		}
		t.Run(strings.ReplaceAll(kind.name, " ", "-"), func(t *testing.T) { runLosses(t, kind) })
	}
}

func runLosses(t *testing.T, kind loss) {
	var next atomic.Uint64
	next.Store(*lossSeed)
	last := *lossSeed + uint64(*lossSeeds)
	total := totals{taken: timeTaken{}}
	var recoveries, gaps atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < last && !t.Failed(); seed = next.Add(1) - 1 {
				w := simulateLoss(seed, kind)
				total.add(w.world)
				recoveries.Add(int64(w.recoveries()))
				gaps.Add(int64(len(w.history.gaps)))
				if w.failure != "" {
					t.Errorf("seed %d: %s\n%s", seed, w.failure, w.story())
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d recoveries, %d gaps told, %v", recoveries.Load(), gaps.Load(), &total)
	if (recoveries.Load() == 0) != kind.waits {
		t.Errorf("%d recoveries; none should be: %v", recoveries.Load(), kind.waits)
	}
}

// recoveries counts the generations that slots had.
func (w *lossWorld) recoveries() int {
	seen := map[[2]uint64]bool{}
	for led := range w.history.leaders {
		if led.generation > 0 {
			seen[[2]uint64{uint64(led.slot), uint64(led.generation)}] = true
		}
	}
	return len(seen)
}

func simulateLoss(seed uint64, kind loss) *lossWorld {
	w := &lossWorld{world: newWorld(seed), loss: kind, proofs: map[[2]uint64]moment{}, refusals: map[[2]uint64]moment{}}
	w.twoNodes = kind.mode
	if kind.five {
		w.copies = 5
	}
	w.heeds = map[string]bool{
		"start": true, "I2": true, "I7": true, "I9": true, "I10": true, "I13": true, "I22": true, "silence": true, "order": true, "kept": true, "rest": true,
	}
	w.heeds["I1"] = kind.gapless
	founder := w.start(0)
	if err := founder.host.Found(founder.clock()); err != nil {
		w.fail("start", "%v", err)
	}
	for place := 1; place < w.loss.places; place++ {
		w.after(w.between(0, second), func() { w.start(place) })
	}
	w.membership()
	w.publishAndFollow()
	w.witness()
	w.after(w.between(9*second, 14*second), w.keepStriking)
	w.runTo(lossLength)
	w.heal()
	w.refusing = false
	w.runTo(lossLength + lossRest/3)
	w.operate()
	w.runTo(lossLength + lossRest/2)
	w.silence()
	w.runTo(lossLength + lossRest)
	w.judge()
	return w
}

func (w *lossWorld) runTo(end moment) {
	for next := w.now + second; next <= end && w.failure == ""; next += second {
		w.run(next)
	}
}

func (w *lossWorld) publishAndFollow() {
	for i := range 4 {
		p := &publisher{w: w.world, name: fmt.Sprint("p", i), rate: w.between(40*millisecond, 400*millisecond)}
		w.publishers = append(w.publishers, p)
		w.after(w.between(0, 5*second), p.next)
	}
	for i := range 5 {
		s := &subscriber{
			w: w.world, name: fmt.Sprint("s", i), begun: map[channel.ID]bool{}, last: map[channel.ID]channel.Position{},
			first: map[channel.ID]channel.Position{}, ids: map[channel.ID]map[string]bool{},
		}
		w.subscribers = append(w.subscribers, s)
		w.after(w.between(0, 15*second), s.connect)
	}
	w.fillRing(0)
}

// witness tells nodes what their links would: that an address refuses, or answers as another instance.
func (w *lossWorld) witness() {
	for _, n := range w.all {
		for _, other := range w.all {
			if n != other && n.alive && !n.paused && other.instance != n.instance {
				w.look(n, other)
			}
		}
	}
	w.after(10*millisecond, w.witness)
}

func (w *lossWorld) look(n, other *node) {
	key := [2]uint64{n.instance, other.instance}
	if l := w.network.between(n, other); l == nil || l.up {
		delete(w.refusals, key)
		return
	}
	apart := w.network.isCut(n, other) || w.network.isCut(other, n)
	successor := w.at(other.number)
	switch {
	case !other.alive && (other.left || successor != nil && !apart && !successor.paused):
		w.once(w.proofs, key, 500*millisecond, func() { n.host.Buried(n.clock(), other.instance) })
	case !other.alive && successor == nil && !apart, apart && w.refusing:
		w.once(w.refusals, key, 30*millisecond, func() { n.host.Refused(n.clock(), other.instance) })
	}
}

// once does something at most once for a key, after a while.
func (w *lossWorld) once(done map[[2]uint64]moment, key [2]uint64, within moment, what func()) {
	due, planned := done[key]
	switch {
	case !planned:
		done[key] = w.now + w.between(0, within)
	case due > 0 && w.now >= due:
		done[key] = -1
		what()
	}
}

func (w *lossWorld) keepStriking() {
	if w.now > lossLength-2*second {
		return
	}
	if w.name == "storm" {
		w.hit(w)
	} else if w.settled() {
		w.hit(w)
		w.after(3*second, w.keepStriking) // until what is planned has been done
		return
	}
	w.after(w.between(500*millisecond, 2*second), w.keepStriking)
}

// settled reports whether every slot is held by as many nodes as can be, and nothing waits to be merged: then one loss is survived.
func (w *lossWorld) settled() bool {
	if len(w.network.cut) > 0 {
		return false
	}
	for slot := range simSlots {
		if w.unsettled(slot) != "" {
			return false
		}
	}
	return true
}

func (w *lossWorld) unsettled(slot int) string {
	living, leaders := 0, 0
	for _, n := range w.all {
		if n.alive {
			living++
		}
	}
	for _, n := range w.all {
		if !n.alive {
			continue
		}
		status := n.host.Status(slot)
		if n.paused || status.Estates > 0 {
			return fmt.Sprintf("%s sleeps or has an estate: %+v", n, status)
		}
		if !status.Leads {
			continue
		}
		leaders++
		alive := 0
		for _, voter := range status.Voters {
			if w.nodes[voter].alive {
				alive++
			}
		}
		if !status.Settled || status.Changing || alive != min(living, w.wanted()) || len(status.Voters) != alive ||
			len(status.Learners) > 0 {
			return fmt.Sprintf("%s leads: %+v", n, status)
		}
	}
	if leaders != 1 || living != w.loss.places {
		return fmt.Sprintf("%d leaders, %d living", leaders, living)
	}
	return ""
}

func (w *lossWorld) wanted() int { return cmp.Or(w.copies, simCopies) }

func (w *lossWorld) killOne() {
	n := w.anyNode()
	n.kill()
	if w.mode == host.Available {
		w.after(second, func() { w.goesOn(1 - n.number) })
	}
	w.after(w.between(100*millisecond, 20*second), func() { w.restart(n.number) })
}

// goesOn wants the survivor of two to lead every slot.
func (w *lossWorld) goesOn(place int) {
	for slot := range simSlots {
		if status := w.at(place).host.Status(slot); !status.Leads || !status.Settled {
			w.fail("rest", "slot %d does not go on at once: %+v", slot, status)
		}
	}
}

func (w *lossWorld) killTwo() {
	first := w.chance.IntN(3)
	w.killSoon(w.at(first), w.at((first+1)%3))
}

func (w *lossWorld) killTwoBeforeOne() {
	first := w.chance.IntN(3)
	w.isolate((first+2)%3, w.between(0, 3*second))
	w.after(w.between(0, 2*second), func() { w.killSoon(w.at(first), w.at((first+1)%3)) })
}

// killThree kills three nodes of five, one of the others may lag.
func (w *lossWorld) killThree() {
	first := w.chance.IntN(5)
	if w.oneIn(2) {
		w.isolate((first+3)%5, w.between(0, 3*second))
	}
	w.killSoon(w.at(first), w.at((first+1)%5), w.at((first+2)%5))
}

func (w *lossWorld) killSoon(nodes ...*node) {
	for _, n := range nodes {
		w.after(w.between(0, 100*millisecond), func() {
			if n != nil && n.alive {
				n.kill()
				w.after(w.between(200*millisecond, 15*second), func() { w.restart(n.number) })
			}
		})
	}
}

// isolate cuts a place off from all others.
func (w *lossWorld) isolate(place int, lasts moment) {
	w.log("isolate %d for %.3fs", place, float64(lasts)/float64(second))
	for other := range w.loss.places {
		if other != place {
			w.network.cutOff(place, other)
			w.network.cutOff(other, place)
			w.after(lasts, func() {
				w.network.heal(place, other)
				w.network.heal(other, place)
			})
		}
	}
}

// storm does anything to anybody, as long as one node is left that has heard of every slot: where all forget, a new cluster begins, which
// is not a host's to do.
func (w *lossWorld) storm() {
	n := w.at(w.chance.IntN(w.loss.places))
	if n == nil || n.paused {
		return
	}
	switch pick(w.timeline, []string{"kill", "kill", "pause", "isolate", "refuse"}) {
	case "kill":
		if w.othersKnow(n) {
			n.kill()
			w.after(w.between(200*millisecond, 15*second), func() { w.restart(n.number) })
		}
	case "pause":
		n.pause()
		w.after(w.between(500*millisecond, 8*second), n.resume)
	case "isolate":
		w.isolate(n.number, w.between(500*millisecond, 8*second))
	case "refuse":
		w.refusing = !w.refusing
	}
}

func (w *lossWorld) othersKnow(lost *node) bool {
	for _, n := range w.all {
		if n == lost || !n.alive || n.paused {
			continue
		}
		knows := true
		for slot := range simSlots {
			knows = knows && n.host.Status(slot).Leader != 0
		}
		if knows {
			return true
		}
	}
	return false
}

func (w *lossWorld) cut() {
	w.refusing = false
	w.cutFor(w.between(500*millisecond, 15*second))
}

func (w *lossWorld) cutRefusing() {
	w.refusing = true
	w.cutFor(w.between(500*millisecond, 15*second))
}

func (w *lossWorld) cutFor(lasts moment) {
	w.log("cut for %.3fs, refusing: %v", float64(lasts)/float64(second), w.refusing)
	w.network.cutOff(0, 1)
	w.network.cutOff(1, 0)
	w.after(lasts, func() {
		w.log("heal")
		w.network.heal(0, 1)
		w.network.heal(1, 0)
	})
}

// lie has one node of three die and another one sleep, and an operator say at the third that both are dead.
func (w *lossWorld) lie() {
	first := w.chance.IntN(3)
	dead, asleep, left := w.at(first), w.at((first+1)%3), w.at((first+2)%3)
	if w.oneIn(2) { // what is acknowledged meanwhile is known to the two that go
		w.isolate(left.number, w.between(100*millisecond, 2*second))
	}
	w.after(w.between(50*millisecond, 500*millisecond), func() {
		asleep.pause()
		w.after(w.between(0, 20*millisecond), dead.kill)
	})
	w.after(w.between(3*second, 5*second), func() {
		if !asleep.paused {
			return // all has healed
		}
		if err := left.host.Recover(left.clock(), []uint64{dead.instance, asleep.instance}); err != nil {
			w.fail("start", "operator: %v", err)
		}
	})
	w.after(w.between(6*second, 12*second), asleep.resume)
	w.after(w.between(second, 15*second), func() { w.restart(dead.number) })
}

// operate is an operator who looks at what slots wait for, and says of the dead that they are. Elsewhere nobody is to be needed.
func (w *lossWorld) operate() {
	for _, n := range w.all {
		for slot := range simSlots {
			if !n.alive || w.name != "storm" {
				continue
			}
			for _, instance := range n.host.Status(slot).Waits {
				if w.nodes[instance].alive {
					continue
				}
				w.log("operator: %x is dead", instance)
				if err := n.host.Recover(n.clock(), []uint64{instance}); err != nil {
					w.fail("start", "operator: %v", err)
				}
			}
		}
	}
}

// judge holds what must be so in the end.
func (w *lossWorld) judge() {
	if w.failure != "" {
		return
	}
	for slot := range simSlots {
		if why := w.unsettled(slot); why != "" {
			for _, n := range w.all {
				if n.alive {
					w.log("%s: %+v", n, n.host.Status(slot))
				}
			}
			w.fail("rest", "slot %d: %s", slot, why)
			return
		}
	}
	if w.kept {
		w.judgeKept()
	}
	w.judgeSilence()
}

// judgeKept holds I21: every acknowledged message is there.
func (w *lossWorld) judgeKept() {
	for _, id := range w.channels {
		held := map[string]bool{}
		for _, n := range w.all {
			slot := n.host.SlotOf(id.App, id.Name)
			if n.alive && n.host.Status(slot).Leads {
				for _, one := range n.host.HistoryOf(slot, id) {
					held[one.Publication.ID] = true
				}
			}
		}
		for _, m := range w.sentMessages {
			if m.channel == id && m.acked != 0 && !held[m.id] {
				w.fail("kept", "%s was acknowledged in %s at %v and is nowhere", m.id, id.Name, m.position)
			}
		}
	}
}

// judgeSilence holds I1: a subscriber gets every message that was acknowledged, or is told of a gap after it was sent.
func (w *lossWorld) judgeSilence() {
	for _, m := range w.sentMessages {
		if m.acked == 0 {
			continue
		}
		for _, f := range w.history.begun {
			told := func(g followedAt) bool { return g.by == f.by && g.id == f.id && g.at >= m.begun }
			if f.id != m.channel || f.at > m.begun || f.by.ids[m.channel][m.id] || slices.ContainsFunc(w.history.gaps, told) {
				continue
			}
			w.fail("silence", "%s never got %s, acknowledged in %s at %v, and was told of no gap", f.by.name, m.id, m.channel.Name, m.position)
		}
	}
}
