package cluster

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func zero() float64 { return 0 }

func TestFaultsAreLoggedAndCounted(t *testing.T) {
	var out bytes.Buffer
	registry := prometheus.NewRegistry()
	m := newMetrics(registry, zero, zero, zero)
	logs := newFaultLog(slog.New(slog.NewTextHandler(&out, nil)), m)
	logs.Printf("[ERR] memberlist: Decrypt packet failed: %v", "no key")
	logs.Printf("[WARN] memberlist: Was able to connect to %s over TCP but UDP probes failed, network may be misconfigured", "a")
	logs.Printf("[DEBUG] memberlist: Stream connection %s", "b")
	logs.Printf("without a mark")
	text := out.String()
	for _, want := range []string{`level=WARN msg="gossip fault" fault="Decrypt packet failed: no key"`, "level=INFO", "over TCP"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not logged:\n%s", want, text)
		}
	}
	if strings.Count(text, "\n") != 2 {
		t.Errorf("what is below info is logged:\n%s", text)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			name := f.GetName()
			for _, l := range metric.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = metric.GetCounter().GetValue()
		}
	}
	for _, name := range []string{"halley_cluster_gossip_faults_total warn", "halley_cluster_gossip_faults_total info", "halley_cluster_udp_blocked_total"} {
		if got[name] != 1 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

// A stranger who floods the port does not flood the log.
func TestFaultsDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logs := newFaultLog(slog.New(slog.NewTextHandler(&out, nil)), newMetrics(prometheus.NewRegistry(), zero, zero, zero))
		for range 1000 {
			logs.Print("[ERR] memberlist: discarding packet")
		}
		time.Sleep(5 * time.Second)
		logs.Print("[ERR] memberlist: still there")
		if lines := strings.Count(out.String(), "\n"); lines > 11 || !strings.Contains(out.String(), "still there") {
			t.Errorf("%d lines", lines)
		}
	})
}

func TestMembersAreLoggedByWhatOperatorsKnow(t *testing.T) {
	var out bytes.Buffer
	m := living(0xab)
	slog.New(slog.NewTextHandler(&out, nil)).Info("member joined", "member", m)
	if want := "member.node=n member.instance=00000000000000ab member.gossip=10.0.0.171:7946 member.state=ready"; !strings.Contains(out.String(), want) {
		t.Errorf("got %s, want %s", out.String(), want)
	}
	if got := fmt.Sprint(State(0), Joining, Draining, Left, State(9)); got != "unknown joining draining left unknown" {
		t.Errorf("got %s", got)
	}
}
