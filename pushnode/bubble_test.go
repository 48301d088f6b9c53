package pushnode_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test on a node whose connections are in memory and whose clock goes on when everybody waits. Nobody is pinged.
func inBubble(t *testing.T, test func(t *testing.T, n *node), changes ...func(*setup)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newNode(t, append(changes, func(with *setup) {
			with.listener, with.session.PingInterval = newPipes(), time.Hour
		})...))
	})
}

// pass lets time go by in a bubble.
func pass(d time.Duration) { time.Sleep(d) }
