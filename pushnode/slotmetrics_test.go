package pushnode_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode"
	"halley/pushnode/host"
)

// TestSlotMetrics tells each number of a report by its name.
func TestSlotMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(pushnode.NewSlotMetrics(func() host.Report {
		return host.Report{
			Leads: 1, Copies: 2, Leaderless: 3, Stuck: 4, Lost: 5, Changing: 6, Hooks: 7, LostHooks: 8,
			Followers: []host.Followers{{Copies: 10, Behind: 20, Suspended: 30}, {Copies: 100, Behind: 200, Suspended: 300}},
		}
	}))
	got := make(map[string]float64)
	for _, family := range must(registry.Gather())(t) {
		for _, metric := range family.GetMetric() {
			got[family.GetName()+" "+metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
		}
	}
	const slots, copies, hooks = "halley_pushnode_slots ", "halley_pushnode_follower_copies ", "halley_pushnode_hooks "
	for name, want := range map[string]float64{
		slots + "led": 1, slots + "copies": 2, slots + "leaderless": 3, slots + "stuck": 4, slots + "lost": 5, slots + "changing": 6,
		copies + "all": 110, copies + "behind": 220, copies + "suspended": 330,
		hooks + "waiting": 7, hooks + "lost": 8,
	} {
		if value, told := got[name]; !told || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
}
