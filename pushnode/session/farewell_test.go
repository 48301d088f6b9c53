package session

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/pushnode/wire"
)

// scribe is a transport that counts.
type scribe struct {
	written int
	ended   bool
}

func (s *scribe) write(items []item) (int, error) {
	s.written += len(items)
	return len(items), nil
}

func (s *scribe) ping() (answered bool, err error) { return false, nil }

func (s *scribe) end(*wire.Error) { s.ended = true }

// What was queued before a connection was closed is written before it ends, at whatever moment the writer looks.
func TestLastWordsAreWritten(t *testing.T) {
	t.Parallel()
	nothing := func() float64 { return 0 }
	server := &Server{config: Config{}.withDefaults(), metrics: newMetrics(prometheus.NewRegistry(), nothing, nothing)}
	for range 20_000 {
		paper := new(scribe)
		conn := server.newConnection(App{QueueBytes: 1000}, &auth.Grant{}, paper, server.metrics.of(transportWebSocket), false)
		said := make(chan struct{})
		go func() {
			defer close(said)
			conn.outbox.push(frameItem([]byte("last words")))
			conn.close(parted)
		}()
		for ended := false; !ended; {
			_, _, ended = conn.work(t.Context())
		}
		<-said
		if paper.written != 1 || !paper.ended {
			t.Fatalf("%d items were written; told why: %v", paper.written, paper.ended)
		}
	}
}
