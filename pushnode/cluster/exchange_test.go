package cluster

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestExchangeSurvivesItsTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := exchange{instance: rapid.Uint64Min(1).Draw(t, "instance"), known: []remembered{}}
		for range rapid.IntRange(0, 5).Draw(t, "count") {
			e.known = append(e.known, remembered{rapid.Uint64Min(1).Draw(t, "peer"), drawAddress(t, "gossip"), rapid.Bool().Draw(t, "left"),
				time.Duration(rapid.IntRange(0, 90_000).Draw(t, "age")) * time.Second})
		}
		b := e.append(nil)
		later := append(bytes.Clone(b), "more"...)
		later[0]++
		for _, b := range [][]byte{b, later} {
			got, err := parseExchange(b)
			if err != nil || got.instance != e.instance || len(got.known) != len(e.known) {
				t.Fatalf("got %+v, error %v, want %+v", got, err, e)
			}
			for i := range e.known {
				if got.known[i] != e.known[i] {
					t.Fatalf("got %+v, want %+v", got.known[i], e.known[i])
				}
			}
		}
	})
}

func TestLargestExchangeFits(t *testing.T) {
	r := newRoster(1)
	now := time.Unix(1, 0)
	for i := range uint64(2 * maxRemembered) {
		ip := netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)})
		r.admit(Member{Instance: i + 2, Gossip: netip.AddrPortFrom(ip, 1), State: Ready}, now)
	}
	b := r.exchange(now).append(nil)
	if len(b) > maxExchange {
		t.Errorf("%d bytes", len(b))
	}
	if e, err := parseExchange(b); err != nil || len(e.known) != maxRemembered {
		t.Errorf("%d peers, error %v", len(e.known), err)
	}
}

// A message of some bytes cannot make the decoder allocate for peers that it does not hold.
func TestHostileExchangeAllocatesLittle(t *testing.T) {
	b := exchange{instance: 1}.append(nil)
	binary.BigEndian.PutUint16(b[9:], maxRemembered)
	allocated := testing.AllocsPerRun(10, func() {
		if _, err := parseExchange(b); err == nil {
			t.Error("a count without peers is taken")
		}
	})
	if allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
	for name, b := range map[string][]byte{
		"empty":           {},
		"version 0":       make([]byte, 64),
		"above the bound": append(exchange{instance: 1}.append(nil), make([]byte, maxExchange)...),
		"no address":      exchange{instance: 1, known: []remembered{{instance: 2}}}.append(nil),
		"no instance":     exchange{instance: 1, known: []remembered{{gossip: netip.MustParseAddrPort("10.0.0.1:1")}}}.append(nil),
		"nobody speaks":   exchange{}.append(nil),
	} {
		if e, err := parseExchange(b); err == nil {
			t.Errorf("%s: taken for %+v", name, e)
		}
	}
}

func FuzzExchange(f *testing.F) {
	f.Add(exchange{instance: 1, known: []remembered{{2, netip.MustParseAddrPort("10.0.0.1:7946"), true, time.Minute}}}.append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseExchange(b)
		if err != nil {
			return
		}
		if again, err := parseExchange(e.append(nil)); err != nil || len(again.known) != len(e.known) {
			t.Errorf("%+v became %+v, error %v", e, again, err)
		}
	})
}
