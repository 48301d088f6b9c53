package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Rows of section 2.1 of the study on clusters: convergence, and the time until a silent node is declared dead.
func TestNodesConvergeAndNoticeSilence(t *testing.T) {
	for _, c := range []struct {
		nodes    int
		converge time.Duration
		dead     time.Duration // the study measured 3.5, 3.6 and 5.5 s
	}{{3, 3 * time.Second, 4500 * time.Millisecond}, {10, 3 * time.Second, 4500 * time.Millisecond}, {50, 5 * time.Second, 7 * time.Second}} {
		t.Run(fmt.Sprint(c.nodes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				nodes := startAll(t, newNetwork(t), c.nodes)
				if took := time.Since(began); took > c.converge {
					t.Errorf("%d nodes converged after %v, want %v", c.nodes, took, c.converge)
				}
				await(t, 3*time.Second, "all belong to one cluster", func() bool {
					for _, n := range nodes {
						if n.cluster() == 0 || n.cluster() != nodes[0].cluster() {
							return false
						}
					}
					return true
				})
				silent, others := nodes[c.nodes-1], nodes[:c.nodes-1]
				silent.stop()
				took := await(t, c.dead, "the silent node is declared dead", func() bool { return allSee(others, c.nodes-1) })
				if took < time.Second {
					t.Errorf("declared dead after %v: a short silence is no death", took)
				}
				for _, n := range others {
					if _, ok := n.Dead()[silent.instance]; !ok || len(n.Departed()) > 0 {
						t.Fatalf("%s has the dead %v and the departed %v", n.name, n.Dead(), n.Departed())
					}
				}
			})
		})
	}
}
