package host

import (
	"log/slog"
	"testing"

	"halley/pushnode/channel"
)

// ear is surroundings that keep the frames sent last to each instance.
type ear struct {
	deafWorld
	last map[uint64][]byte
}

func (e ear) Send(to uint64, _ Class, frame []byte) bool {
	e.last[to] = frame
	return true
}

// asked is a host with a copy of three voters, 1 to 3, none of which leads, and links to 2 and 3.
func asked(t *testing.T) (*Host, ear) {
	t.Helper()
	e := ear{last: map[uint64][]byte{}}
	h := New(Config{Self: 1, Cluster: 1, Slots: 1, Copies: 3, Seed: 1, Logger: slog.New(slog.DiscardHandler)}, e)
	s := &h.seats[0]
	s.enter(1000)
	if err := s.create([]uint64{1, 2, 3}, 4, 0); err != nil {
		t.Fatal(err)
	}
	s.leave()
	h.PeerUp(1000, 2)
	h.PeerUp(1000, 3)
	return h, e
}

// stanceTo sends an ask and returns the answer.
func stanceTo(t *testing.T, h *Host, e ear, now int64, from uint64, f askFrame) stance {
	t.Helper()
	delete(e.last, from)
	if err := h.Receive(now, from, f.append(0)); err != nil {
		t.Fatal(err)
	}
	r := readFrame(e.last[from])
	if k := kind(r.Byte()); k != kindTell || r.Number() != 0 {
		t.Fatalf("the answer is of kind %d", k)
	}
	told := r.tell()
	if r.End() != nil || told.round != f.round {
		t.Fatalf("the answer is %+v, %v", told, r.Err())
	}
	return told.stance
}

// TestStance asks a copy without a leader that holds the entry that every slot begins with.
func TestStance(t *testing.T) {
	more, same, less := claim{term: 1, index: 2}, claim{term: 1, index: 1}, claim{term: 1}
	for _, test := range []struct {
		name string
		ask  askFrame
		want stance
	}{
		{"more", askFrame{round: 7, generation: 4, claim: more, dead: []uint64{9}}, stanceStopped},
		{"as much", askFrame{round: 7, generation: 4, claim: same}, stanceStopped},
		{"less", askFrame{round: 7, generation: 4, claim: less}, stanceFuller},
		{"a later generation than its own", askFrame{round: 7, generation: 5}, stanceStopped},
		{"one that has ended", askFrame{round: 7, generation: 3, claim: more}, stanceLater},
		{"itself is dead", askFrame{round: 7, generation: 4, claim: more, dead: []uint64{1}}, stanceLed},
		{"a peer is dead", askFrame{round: 7, generation: 4, claim: more, dead: []uint64{3}}, stanceLed},
	} {
		h, e := asked(t)
		if got := stanceTo(t, h, e, 1000, 2, test.ask); got != test.want {
			t.Errorf("%s: stance %d, want %d", test.name, got, test.want)
		}
	}
}

// TestBoundToOne wants who has stopped for one to stop for nobody else, until that one is done, silent or gone.
func TestBoundToOne(t *testing.T) {
	ask := askFrame{round: 7, generation: 4, claim: claim{term: 1, index: 2}}
	ends := askFrame{round: 7, generation: 4, ends: true}
	for name, free := range map[string]func(h *Host) int64{
		"done":   func(h *Host) int64 { _ = h.Receive(1000, 2, ends.append(0)); return 1000 },
		"silent": func(h *Host) int64 { h.Tick(1000 + boundTime); return 1000 + boundTime },
		"gone":   func(h *Host) int64 { h.PeerDown(1000, 2, true); return 1000 },
	} {
		h, e := asked(t)
		for from, want := range []stance{2: stanceStopped, 3: stanceBound} {
			if from < 2 {
				continue
			}
			if got := stanceTo(t, h, e, 1000, uint64(from), ask); got != want {
				t.Fatalf("asked by %d: stance %d, want %d", from, got, want)
			}
		}
		if err := h.Receive(1000, 3, ends.append(0)); err != nil || h.BoundTo(0) != 2 {
			t.Errorf("another's word freed it: %v", err)
		}
		now := free(h)
		if got := stanceTo(t, h, e, now, 3, ask); got != stanceStopped {
			t.Errorf("%s: stance %d to the next", name, got)
		}
	}
}

// TestDead holds what counts as death.
func TestDead(t *testing.T) {
	const other, begin = 2, 1_000_000
	two := []Node{{Instance: 1, Name: "a", Started: 5}, {Instance: other, Name: "b", Started: 6}}
	for _, test := range []struct {
		name string
		mode TwoNodes
		more bool // nobody counts as one of two
		tell func(h *Host)
		at   int64
		want bool
	}{
		{name: "linked", tell: func(h *Host) { h.PeerUp(begin, other) }, at: 10_000},
		{name: "silent for a while", tell: func(*Host) {}, at: silentProof - 1},
		{name: "silent, and younger", tell: func(*Host) {}, at: silentProof, want: true},
		{name: "silent, and older", tell: func(h *Host) { h.SetView(begin, []Node{{Instance: 1, Name: "a", Started: 7}, two[1]}) }, at: 60_000},
		{name: "silent, strict", mode: Strict, tell: func(*Host) {}, at: 60_000},
		{name: "silent, of more", more: true, tell: func(*Host) {}, at: 60_000},
		{name: "refused", tell: func(h *Host) { h.Refused(begin, other) }, want: true},
		{name: "refused, strict", mode: Strict, tell: func(h *Host) { h.Refused(begin, other) }, at: 60_000},
		{name: "refused, of more", more: true, tell: func(h *Host) { h.Refused(begin, other) }, at: 60_000},
		{name: "refused, lately of three", tell: func(h *Host) {
			h.SetView(begin, append(two, Node{Instance: 3, Name: "c"}))
			h.SetView(begin, two)
			h.Refused(begin, other)
		}, at: crowdMemory - 1},
		{name: "refused, of three long ago", tell: func(h *Host) {
			h.SetView(begin, append(two, Node{Instance: 3, Name: "c"}))
			h.SetView(begin, two)
			h.Refused(begin, other)
		}, at: crowdMemory, want: true},
		{name: "refused, beside its former self", tell: func(h *Host) {
			h.SetView(begin, append(two, Node{Instance: 3, Name: "b"}))
			h.Refused(begin, other)
		}, want: true},
		{name: "refused and back", tell: func(h *Host) { h.Refused(begin, other); h.PeerUp(begin, other); h.PeerDown(begin, other, true) }},
		{name: "buried, strict, of more", mode: Strict, more: true, tell: func(h *Host) { h.Buried(begin, other) }, want: true},
		{name: "buried and back", tell: func(h *Host) { h.Buried(begin, other); h.PeerUp(begin, other); h.PeerDown(begin, other, true) }},
	} {
		h := New(Config{Self: 1, Cluster: 1, Slots: 1, Copies: 2, TwoNodes: test.mode, Logger: slog.New(slog.DiscardHandler)}, deafWorld{})
		h.SetView(begin, two)
		h.PeerUp(begin, other)
		h.PeerDown(begin, other, true)
		test.tell(h)
		if got := h.dead(begin+test.at, other, !test.more); got != test.want {
			t.Errorf("%s: dead %v, want %v", test.name, got, test.want)
		}
	}
}

// TestDeathsAreBounded wants old deaths forgotten, not new ones.
func TestDeathsAreBounded(t *testing.T) {
	h := New(Config{Self: 1, Slots: 1, Copies: 3, Logger: slog.New(slog.DiscardHandler)}, deafWorld{})
	for instance := uint64(2); instance < 2+2*maxDeaths; instance += 2 {
		h.bury(instance)
		h.PeerDown(0, instance+1, true)
	}
	d := h.deaths.Load()
	if total := len(d.buried) + len(d.lost); total != maxDeaths || len(d.order) != maxDeaths || !d.buried[2*maxDeaths] {
		t.Errorf("%d deaths in %d are remembered, want %d with the latest", total, len(d.order), maxDeaths)
	}
}

// TestEstateSearch hands estates over to a later generation that has a beginning of each channel, and wants the rest imported: all of it,
// nothing else, in pages.
func TestEstateSearch(t *testing.T) {
	for survived := 0; survived <= 40; survived += 5 {
		state := channel.NewState(1)
		id := channel.ID{App: "app", Name: "room"}
		for i := range 40 {
			data := make([]byte, 60_000)
			state.Apply(1000, []channel.Command{channel.Publish{
				Channel: id, ID: string(rune('a' + i)), Data: data, Retention: channel.Retention{Messages: 100, Bytes: 1 << 30, Age: 1e12},
			}})
		}
		e := &estate{state: state, ids: state.Held()}
		imported, questions := 0, 0
		for e.next() {
			if e.searching() {
				questions++
				backlog := channel.Backlog{}
				if e.probe() > survived {
					backlog.Gap = &channel.Gap{Reason: channel.ReasonUnknownEpoch}
				}
				e.reply = Reply{Answer: backlog}
			} else {
				page := e.page()
				if page[0].ID != string(rune('a'+survived+imported)) || len(page) > estatePage/60_000 {
					t.Fatalf("a page of %d begins with %q", len(page), page[0].ID)
				}
				imported += len(page)
				e.reply = Reply{}
			}
			if !e.heed() {
				t.Fatal("an answer was not heeded")
			}
		}
		if imported != 40-survived || questions > 8 {
			t.Errorf("of 40, %d survived: %d imported after %d questions", survived, imported, questions)
		}
	}
}
