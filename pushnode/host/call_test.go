package host_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// speaker is the surroundings of a host that is asked by others, and answers at once with what it was asked, twice.
type speaker struct {
	untold
	self   uint64
	host   *host.Host
	others map[uint64]*speaker
	mute   bool // it does not answer
	line   []func()
}

func newSpeakers() (a, b *speaker) {
	a, b = &speaker{self: 1}, &speaker{self: 2}
	a.others, b.others = map[uint64]*speaker{2: b}, map[uint64]*speaker{1: a}
	for _, s := range []*speaker{a, b} {
		s.host = host.New(host.Config{Self: s.self, Cluster: 1, Slots: 1, Copies: 1, Logger: slog.New(slog.DiscardHandler)}, s)
	}
	return a, b
}

func (s *speaker) Send(to uint64, class host.Class, frame []byte) bool {
	far := s.others[to]
	if far == nil || class != host.Data && len(frame) < 1<<20 || class == host.Data && len(frame) > 2<<20 {
		return false
	}
	far.line = append(far.line, func() { _ = far.host.Receive(0, s.self, frame) })
	return true
}

func (s *speaker) Deliver(int, []channel.Effect, bool)         {}
func (s *speaker) Behind(channel.ID, channel.Position, uint64) {}
func (s *speaker) Missed(int)                                  {}
func (s *speaker) Queued(uint64, host.Class) int               { return 0 }
func (s *speaker) Overloaded(int) bool                         { return false }

func (s *speaker) Called(from, id uint64, question []byte) {
	if !s.mute {
		s.host.Answer(from, id, append(bytes.Clone(question), question...))
	}
}

// hear takes in all that was sent to it.
func (s *speaker) hear() {
	for len(s.line) > 0 {
		first := s.line[0]
		s.line = s.line[1:]
		first()
	}
}

// TestCall asks a node, small and large.
func TestCall(t *testing.T) {
	for _, question := range [][]byte{{}, []byte("ab"), make([]byte, 3<<20)} {
		a, b := newSpeakers()
		calls := 0
		a.host.Call(2, question, 1000, func(answer []byte, err error) {
			if calls++; err != nil || len(answer) != 2*len(question) {
				t.Errorf("%d bytes: got %d, %v", len(question), len(answer), err)
			}
		})
		b.hear()
		a.hear()
		a.host.PeerDown(0, 2, true)
		a.host.Tick(5000)
		if calls != 1 {
			t.Errorf("called back %d times", calls)
		}
	}
}

// TestCallsThatGetNoAnswer end all the same, once.
func TestCallsThatGetNoAnswer(t *testing.T) {
	tests := map[string]func(a, b *speaker) (to uint64){
		"no link":     func(*speaker, *speaker) uint64 { return 3 },
		"link breaks": func(a, _ *speaker) uint64 { a.line = append(a.line, func() { a.host.PeerDown(0, 2, false) }); return 2 },
		"too late": func(a, b *speaker) uint64 {
			b.mute = true
			a.line = append(a.line, func() { a.host.Tick(1000) })
			return 2
		},
		"another answers": func(a, b *speaker) uint64 {
			b.mute = true
			a.line = append(a.line, func() { _ = a.host.Receive(0, 3, host.AnswerFrame(1, []byte("x"))) }, func() { a.host.Tick(1000) })
			return 2
		},
	}
	for name, test := range tests {
		a, b := newSpeakers()
		var outcomes []error
		a.host.Call(test(a, b), []byte("?"), 1000, func(_ []byte, err error) { outcomes = append(outcomes, err) })
		a.hear()
		b.hear()
		a.hear()
		a.host.Tick(2000)
		if len(outcomes) != 1 || !errors.Is(outcomes[0], host.ErrUnreached) {
			t.Errorf("%s: got %v, want ErrUnreached once", name, outcomes)
		}
	}
}

// TestCallsAreBounded refuses calls beyond what a node may wait for.
func TestCallsAreBounded(t *testing.T) {
	a, _ := newSpeakers()
	refused := 0
	for range host.MaxCalls + 3 {
		a.host.Call(2, nil, 1000, func([]byte, error) { refused++ })
	}
	if refused != 3 {
		t.Errorf("%d are refused at once, want 3", refused)
	}
	a.host.Tick(1000)
	if refused != host.MaxCalls+3 {
		t.Errorf("%d calls have ended", refused)
	}
}
