package host_test

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/cespare/xxhash/v2"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// world is one simulated cluster, its clients, and what is known of both.
type world struct {
	*timeline
	network *network
	nodes   map[uint64]*node // every process life there was
	all     []*node          // in the order of their start

	channels     []channel.ID
	publishers   []*publisher
	subscribers  []*subscriber
	members      []*member
	visitors     []*visitor
	sentMessages []*sent
	operations   []porcupine.Operation // what clients asked, and were told

	sessions map[string]*known    // every one that there was
	rooms    map[channel.ID]*room // presence, from its events
	led      moment               // when a slot got a leader last
	hooks    toldHooks
	cleared  map[channel.ID]moment // when a lobby's last visitor at a node left
	quiet    bool                  // clients do nothing of themselves any more
	acked    map[channel.ID]acknowledged
	taken    timeTaken
	broken   breakage
	smooth   bool  // nothing that a client asks for may fail
	strikes  int   // faults so far
	places   int   // so far
	skew     int64 // 1: nodes' clocks are seconds apart

	history  history
	heeds    map[string]bool // invariants that count; nil: all
	twoNodes host.TwoNodes
	copies   int            // wanted of each slot; 0: simCopies
	told     *xxhash.Digest // of all that nodes sent, and of all lines
	lines    []string       // what happened, for who reads a failure
	failure  string         // the first violation
}

func newWorld(seed uint64) *world {
	w := &world{
		told:     xxhash.New(),
		timeline: newTimeline(seed), nodes: map[uint64]*node{}, sessions: map[string]*known{}, rooms: map[channel.ID]*room{},
		acked: map[channel.ID]acknowledged{}, taken: timeTaken{}, hooks: toldHooks{}, cleared: map[channel.ID]moment{},
	}
	w.network = &network{w: w, links: map[pair]*link{}, cut: map[pair]bool{}}
	w.history.init()
	for i := range 6 {
		w.channels = append(w.channels, channel.ID{App: "app", Name: fmt.Sprint("room", i)})
	}
	return w
}

func (w *world) log(format string, args ...any) {
	line := fmt.Sprintf("%9.3f ", float64(w.now)/float64(second)) + fmt.Sprintf(format, args...)
	_, _ = w.told.WriteString(line)
	w.lines = append(w.lines, line)
}

// fail takes note of a violation. Only the first counts: what follows may follow from it.
func (w *world) fail(invariant, format string, args ...any) {
	if w.broken != sound && (invariant == "I16" || invariant == "I19") {
		return // what a broken build does to them is of no interest
	}
	if w.failure == "" && (w.heeds == nil || w.heeds[invariant]) {
		w.failure = invariant + ": " + fmt.Sprintf(format, args...)
		w.log("VIOLATION %s", w.failure)
	}
}

func (w *world) story() string {
	lines := w.lines
	if len(lines) > 80 {
		lines = lines[len(lines)-80:]
	}
	return strings.Join(lines, "\n")
}

// anyNode is a node that a balancer would send a client to.
func (w *world) anyNode() *node {
	var ready []*node
	for _, n := range w.all {
		if n.alive && !n.draining {
			ready = append(ready, n)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	return pick(w.timeline, ready)
}

// propose is a request of a client: where its node dies, or sleeps for too long, the client knows nothing.
func (w *world) propose(n *node, slot int, command channel.Command, deadline int64, done func(host.Reply)) {
	answered := false
	answer := func(reply host.Reply) {
		if !answered {
			answered = true
			if reply.Err != nil {
				w.refusal(n, reply.Err)
			}
			w.after(0, func() { done(reply) })
		}
	}
	n.do(func() { n.host.Propose(n.clock(), slot, command, deadline, answer) })
	wait := moment(deadline-n.clock())*millisecond + second
	w.after(wait, func() { answer(host.Reply{Err: host.ErrUnknown}) })
}

// refusal is called with what a client's request failed with.
func (w *world) refusal(n *node, err error) {
	if w.smooth {
		w.fail("I20", "a request at %s: %v", n, err)
	}
}

func (w *world) query(n *node, slot int, query channel.Query, deadline int64, done func(channel.Answer, error)) {
	answered := func(reply host.Reply) {
		if reply.Err != nil {
			w.refusal(n, reply.Err)
		}
		w.after(0, func() { done(reply.Answer, reply.Err) })
	}
	if !w.answerHere(n, slot, query, answered) {
		n.host.Query(n.clock(), slot, query, deadline, answered)
	}
}

func (w *world) sent(from *node, class host.Class, frame []byte) {
	w.history.frames++
	w.history.bytes += len(frame)
	_, _ = w.told.Write(frame)
}

func (w *world) refused(to, from *node, err error) {
	w.history.refused++
	w.log("%s refuses a frame of %s: %v", to, from, err)
}
