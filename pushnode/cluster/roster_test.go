package cluster

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(i uint64) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), DefaultPort)
}

func living(i uint64) Member { return Member{Instance: i, Name: "n", Gossip: at(i), State: Ready} }

var start = time.Unix(1_000_000, 0)

func TestDepartedIsFinal(t *testing.T) {
	left := living(2)
	left.State = Left
	for name, depart := range map[string]func(r *roster){
		"by its meta": func(r *roster) { r.admit(left, start) },
		"by an exchange": func(r *roster) {
			r.merge(exchange{instance: 3, known: []remembered{{2, at(2), true, time.Minute}}}, start)
		},
		"after its death": func(r *roster) { r.lose(2, start); r.admit(left, start) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoster(1)
			r.admit(living(2), start)
			depart(r)
			r.lose(2, start)
			r.admit(living(2), start.Add(time.Second))
			r.hear(2, at(2), start.Add(time.Second))
			r.merge(exchange{instance: 3, known: []remembered{{2, at(2), false, 0}}}, start.Add(time.Second))
			if s := r.standing(2); s != departed || len(r.view(living(1))) != 1 || len(r.missing()) != 0 {
				t.Errorf("it stands as %d, view %v, missing %v", s, r.view(living(1)), r.missing())
			}
		})
	}
}

// Who is dead is displaced from when another lives at the address of its links; who left needs no further proof.
func TestDisplaced(t *testing.T) {
	member := func(instance, address uint64) Member {
		m := living(instance)
		m.Links = at(address)
		return m
	}
	r := newRoster(1)
	for i := range uint64(4) {
		r.admit(member(2+i, 2+i), start)
	}
	r.admit(living(6), start) // whose links are not known
	r.admit(living(7), start)
	for _, gone := range []uint64{2, 3, 6} {
		r.lose(gone, start)
	}
	if got := r.displaced(); len(got) != 0 {
		t.Errorf("nobody stands where they stood, and displaced are %v", got)
	}
	left := member(4, 4)
	left.State = Left
	r.admit(left, start)
	r.admit(member(12, 2), start)
	r.admit(member(14, 4), start)
	if got := r.displaced(); !slices.Equal(got, []Member{member(2, 2)}) {
		t.Errorf("displaced are %v, want 2 alone", got)
	}
	r.lose(12, start)
	if got := r.displaced(); len(got) != 0 {
		t.Errorf("who displaced it is dead too, and displaced are %v", got)
	}
}

func TestMissing(t *testing.T) {
	r := newRoster(1)
	for _, i := range []uint64{2, 3, 4} {
		r.admit(living(i), start)
	}
	r.lose(2, start.Add(time.Minute))
	r.lose(3, start.Add(time.Minute))
	r.hear(5, at(5), start)
	heir := living(6) // a restart at the address of 3
	heir.Gossip = at(3)
	r.admit(heir, start)
	want := map[netip.AddrPort]time.Time{at(2): start.Add(time.Minute), at(5): start}
	if got := r.missing(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r.admit(living(2), start)
	if len(r.missing()) != 1 || r.standing(2) != alive {
		t.Error("who came back is missing still")
	}
}

// However often two nodes tell each other of a dead one, both forget it a day later.
func TestMemoryFades(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := start
		a, b := newRoster(1), newRoster(2)
		a.admit(living(3), now)
		a.lose(3, now)
		for range rapid.IntRange(1, 200).Draw(t, "exchanges") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "pause")))
			e, err := parseExchange(a.exchange(now).append(nil))
			if err != nil {
				t.Fatal(err)
			}
			b.merge(e, now)
			a, b = b, a
		}
		now = start.Add(memory + time.Second)
		a.forget(now)
		b.forget(now)
		if len(a.peers)+len(b.peers) > 0 {
			t.Fatalf("%v and %v are remembered after a day", a.peers, b.peers)
		}
	})
}

func TestRosterIsBounded(t *testing.T) {
	r := newRoster(1)
	r.admit(living(2), start)
	for i := range uint64(3 * maxPeers) {
		r.hear(i+10, at(i), start.Add(time.Duration(i)*time.Millisecond))
	}
	r.forget(start.Add(time.Hour))
	if len(r.peers) != maxPeers || r.standing(2) != alive || r.peers[3*maxPeers+9] == nil {
		t.Errorf("%d peers are remembered, the living %v, the latest %v", len(r.peers), r.peers[2], r.peers[3*maxPeers+9])
	}
}

// A roster never shows itself, its view is sorted, and each instance stands in one way.
func TestRosterAgainstItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, now, gone := newRoster(1), start, map[uint64]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			i := rapid.Uint64Range(1, 5).Draw(t, "instance")
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pause")))
			m := living(i)
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				r.admit(m, now)
			case 1:
				r.lose(i, now)
			case 2:
				r.hear(i, at(i), now.Add(-time.Minute))
			case 3:
				m.State = Left
				r.admit(m, now)
				gone[i] = true
			case 4:
				r.merge(exchange{instance: 9, known: []remembered{{i, at(i), true, time.Second}}}, now)
				gone[i] = true
			}
			view := r.view(living(1))
			for j, m := range view {
				if j > 0 && view[j-1].Instance >= m.Instance || gone[m.Instance] && m.Instance != 1 {
					t.Fatalf("view %v, of whom left %v", view, gone)
				}
			}
			if len(r.times(dead)) > 0 && len(r.missing()) == 0 {
				t.Fatalf("the dead %v are not looked for", r.times(dead))
			}
		}
	})
}
