package cluster_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster"
)

// Nodes that do not belong together never see each other, though each is told where the other is.
func TestStrangersNeverMeet(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cluster.Config)
		metric string // that counts it
	}{
		"another label":    {func(c *cluster.Config) { c.Label = "staging" }, "halley_cluster_gossip_faults_total"},
		"another key":      {func(c *cluster.Config) { c.Key = &[32]byte{9} }, "halley_cluster_gossip_faults_total"},
		"another protocol": {func(c *cluster.Config) { c.Protocol = cluster.Range{Min: 3, Max: 4} }, "halley_cluster_refusals_total"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := newNetwork(t)
				nodes := startAll(t, on, 2)
				stranger := start(t, on, 2, func(config *cluster.Config) {
					join(0, 1)(config)
					c.change(config)
				})
				time.Sleep(5 * time.Minute)
				if !allSee(nodes, 2) || len(stranger.View()) != 1 || stranger.cluster() != 0 {
					t.Errorf("they met: %v and %v", nodes[0].View(), stranger.View())
				}
				if nodes[0].count(t, c.metric) == 0 {
					t.Errorf("%s does not count it", c.metric)
				}
			})
		})
	}
}

// Ranges of versions that overlap are enough, also where the ends do not.
func TestVersionsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		speaks := func(low, high uint8) func(*cluster.Config) {
			return func(c *cluster.Config) {
				join(0)(c)
				c.Protocol = cluster.Range{Min: low, Max: high}
			}
		}
		nodes := []*node{start(t, on, 0, nil), start(t, on, 1, speaks(1, 2)), start(t, on, 2, speaks(1, 3))}
		await(t, 5*time.Second, "all see all", func() bool { return allSee(nodes, 3) })
	})
}

func TestWithoutSecretOnlyLoopback(t *testing.T) {
	local, other := netip.MustParseAddrPort("127.0.0.1:7946"), netip.MustParseAddrPort("10.0.0.1:7946")
	every := netip.MustParseAddrPort("0.0.0.0:7946")
	for name, c := range map[string]struct {
		config cluster.Config
		ok     bool
	}{
		"loopback":               {cluster.Config{Bind: local, Seeds: []string{"127.0.0.2", "[::1]:7000", "localhost"}}, true},
		"bound to an address":    {cluster.Config{Bind: other}, false},
		"bound to all addresses": {cluster.Config{Bind: every}, false},
		"advertised":             {cluster.Config{Bind: local, Advertise: other}, false},
		"links":                  {cluster.Config{Bind: local, Links: other}, false},
		"a peer":                 {cluster.Config{Bind: local, Seeds: []string{"10.0.0.2"}}, false},
		"a peer with a port":     {cluster.Config{Bind: local, Seeds: []string{"127.0.0.1:1", "10.0.0.2:7946"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Name, c.config.Instance = "a", 1
			_, err := cluster.New(c.config)
			if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "cluster secret") {
				t.Errorf("without a secret: %v", err)
			}
			c.config.Key = &key
			if _, err := cluster.New(c.config); err != nil {
				t.Errorf("with a secret: %v", err)
			}
		})
	}
}

// A name may turn out to be another machine only later: it is not dialled.
func TestWithoutSecretNamesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		dns.set("halley.internal", 0)
		start(t, on, 0, nil)
		n := startAt(t, on, netip.MustParseAddrPort("127.0.0.1:7946"), 1, func(c *cluster.Config) {
			seeded(dns, "halley.internal")(c)
			c.Key = nil
		})
		time.Sleep(time.Minute)
		if n.count(t, "halley_cluster_joins_total") > 0 || n.cluster() != 0 {
			t.Errorf("it dialled, and belongs to %x", n.cluster())
		}
	})
}

// A transport that is on no loopback address is found out when it is opened.
func TestWithoutSecretTransportsAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := cluster.Config{Name: "a", Instance: 1, Transport: newNetwork(t).plug(t, address(0))}
		n, err := cluster.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "cluster secret") {
			t.Errorf("it runs, error %v", err)
		}
		if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("it runs again, error %v", err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(*cluster.Config){
		"no name":            func(c *cluster.Config) { c.Name = "" },
		"a name with #":      func(c *cluster.Config) { c.Name = "a#b" },
		"a name with a line": func(c *cluster.Config) { c.Name = "a\nb" },
		"a long name":        func(c *cluster.Config) { c.Name = strings.Repeat("a", 129) },
		"no instance":        func(c *cluster.Config) { c.Instance = 0 },
		"no address":         func(c *cluster.Config) { c.Bind = netip.AddrPort{} },
		"a long zone":        func(c *cluster.Config) { c.Zone = strings.Repeat("z", 33) },
		"a long label":       func(c *cluster.Config) { c.Label = strings.Repeat("l", 65) },
		"protocol 2-1":       func(c *cluster.Config) { c.Protocol = cluster.Range{Min: 2, Max: 1} },
		"65 peers":           func(c *cluster.Config) { c.Seeds = make([]string, 65) },
		"an empty peer":      func(c *cluster.Config) { c.Seeds = []string{""} },
		"port 0":             func(c *cluster.Config) { c.Seeds = []string{"a:0"} },
		"port 70000":         func(c *cluster.Config) { c.Seeds = []string{"a:70000"} },
		"a URL":              func(c *cluster.Config) { c.Seeds = []string{"http://a:80"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster.Config{Name: "a", Instance: 1, Bind: netip.MustParseAddrPort("10.0.0.1:7946"), Key: &key}
			if _, err := cluster.New(c); err != nil {
				t.Fatal(err)
			}
			spoil(&c)
			if _, err := cluster.New(c); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

func TestConfigHidesItsKey(t *testing.T) {
	var log strings.Builder
	c := cluster.Config{Name: "a", Key: &[32]byte{0xab, 0xcd}}
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "cluster", c)
	if text := log.String(); strings.Contains(text, "171") || strings.Contains(strings.ToLower(text), "abcd") || !strings.Contains(text, "key=true") {
		t.Errorf("logged as %s", text)
	}
}
