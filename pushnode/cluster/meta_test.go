package cluster

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawAddress draws an address that can be advertised.
func drawAddress(t *rapid.T, label string) netip.AddrPort {
	ip := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 4, 4), rapid.SliceOfN(rapid.Byte(), 16, 16)).Draw(t, label)
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), rapid.Uint16().Draw(t, label+" port"))
}

func drawMember(t *rapid.T) Member {
	low := rapid.Uint8().Draw(t, "min")
	return Member{
		Instance: rapid.Uint64Min(1).Draw(t, "instance"),
		Links:    drawAddress(t, "links"),
		Cluster:  rapid.Uint64().Draw(t, "cluster"),
		State:    State(rapid.IntRange(int(Joining), int(Left)).Draw(t, "state")),
		Zone:     string(rapid.SliceOfN(rapid.Byte(), 0, maxZone).Draw(t, "zone")),
		Protocol: Range{low, rapid.Uint8Min(low).Draw(t, "max")},
		Started:  time.UnixMilli(rapid.Int64().Draw(t, "started")),
	}
}

func TestMetaSurvivesItsTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMember(t)
		b := appendMeta(nil, m)
		if len(b) > 80 {
			t.Fatalf("%d bytes for %+v", len(b), m)
		}
		later := append(b, "what a later version adds"...)
		later[0]++
		for _, b := range [][]byte{b, later} {
			if got, err := parseMeta(b); err != nil || got != m {
				t.Fatalf("got %+v, error %v, want %+v", got, err, m)
			}
		}
	})
}

func TestMetaIsRefusedWhenItIsNone(t *testing.T) {
	good := appendMeta(nil, Member{Instance: 1, State: Ready, Links: netip.MustParseAddrPort("10.0.0.1:7947"), Zone: "a", Protocol: Range{1, 2}})
	if _, err := parseMeta(good); err != nil {
		t.Fatal(err)
	}
	spoilt := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	cases := map[string][]byte{
		"version 0":            spoilt(0, 0),
		"no state":             spoilt(1, 0),
		"state 6":              spoilt(1, 6),
		"instance 0":           spoilt(9, 0),
		"protocol 2-1":         spoilt(27, 0),
		"no links":             spoilt(28, 0),
		"links of 5 bytes":     spoilt(28, 5),
		"zone beyond the end":  spoilt(35, 2),
		"zone above the bound": append(spoilt(35, maxZone+1), make([]byte, maxZone)...),
		"above the bound":      append(bytes.Clone(good), make([]byte, maxMeta)...),
	}
	for i := range good {
		cases["cut off at "+strings.Repeat("|", i)] = good[:i]
	}
	for name, b := range cases {
		if m, err := parseMeta(b); err == nil {
			t.Errorf("%s: taken for %+v", name, m)
		}
	}
}

func FuzzMeta(f *testing.F) {
	f.Add(appendMeta(nil, Member{Instance: 7, State: Ready, Links: netip.MustParseAddrPort("[::1]:1"), Zone: "eu", Protocol: Range{1, 1}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMeta(b)
		if err != nil {
			return
		}
		again, err := parseMeta(appendMeta(nil, m))
		if err != nil || again != m {
			t.Errorf("%+v became %+v, error %v", m, again, err)
		}
	})
}

func TestGossipNames(t *testing.T) {
	name, instance, err := parseGossipName(gossipName("host.example.com:8080", 0xab))
	if name != "host.example.com:8080" || instance != 0xab || err != nil {
		t.Errorf("got %q, %x, error %v", name, instance, err)
	}
	for _, bad := range []string{"", "a", "a#", "#0000000000000001", "a#0000000000000000", "a#00000000000000AB", "a#+000000000000001",
		"a b#0000000000000001", "a#b#0000000000000001", strings.Repeat("a", maxName+1) + "#0000000000000001"} {
		if name, instance, err := parseGossipName(bad); err == nil {
			t.Errorf("%q is taken for %q, %x", bad, name, instance)
		}
	}
}

func FuzzGossipName(f *testing.F) {
	f.Add("node#00000000000000ab")
	f.Fuzz(func(t *testing.T, s string) {
		if name, instance, err := parseGossipName(s); err == nil && gossipName(name, instance) != s {
			t.Errorf("%q is taken for %q, %x", s, name, instance)
		}
	})
}

func TestLabelsTellDeploymentsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][2]string{{"7123", "halley"}, {"7124", "halley"}, {"7123", "halley_staging"}, {"7123h", "alley"}, {"", ""}} {
		l := Label(parts[0], parts[1])
		if seen[l] || len(l) > maxLabel {
			t.Errorf("the label of %q is %q", parts, l)
		}
		seen[l] = true
	}
	// Nodes of two versions must agree: the label of one deployment never changes.
	if got, want := Label("7123", "halley"), "halley-4ae2e1fa632964d41bcd13c5cb2c08e2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
