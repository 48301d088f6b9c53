package pushnode

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// toldHooks is hooks that need not be kept any more, until their slots know.
type toldHooks struct {
	mu sync.Mutex
	// guarded by mu
	waiting map[int][]uint64 // by slot
}

func newToldHooks() *toldHooks { return &toldHooks{waiting: make(map[int][]uint64)} }

// announceInterval is how long hooks that were told wait for others: one log entry says it of all.
const announceInterval = 50 * time.Millisecond

// of returns what is to be called when a hook was told. It does not block.
func (t *toldHooks) of(slot int, number uint64) func() { return func() { t.add(slot, number) } }

func (t *toldHooks) add(slot int, numbers ...uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting[slot] = append(t.waiting[slot], numbers...)
}

func (t *toldHooks) take() map[int][]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return nil
	}
	taken := t.waiting
	t.waiting = make(map[int][]uint64)
	return taken
}

// run announces until ctx ends. What the slot did not take is announced again as long as this node leads it: whoever leads after it tells
// the hook once more.
func (t *toldHooks) run(ctx context.Context, slots *slots) {
	every(ctx, announceInterval, func(time.Time) { t.announce(slots) })
}

func (t *toldHooks) announce(slots *slots) {
	for slot, numbers := range t.take() {
		now := slots.clock.now()
		slots.host.Propose(now, slot, channel.Announced{Hooks: numbers}, now+requestTime.Milliseconds(), func(reply host.Reply) {
			if reply.Err != nil && slots.host.Status(slot).Leads {
				t.add(slot, numbers...)
			}
		})
	}
}
