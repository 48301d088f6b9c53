package slot

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrBroken means that the copy has come into a state that cannot be, by a fault of a peer, of raft or of ours. To go on could give two
// messages one offset. Nothing it does counts any more: its host lets go of it as of one whose process died.
var ErrBroken = errors.New("the copy is broken")

// Fault says why the copy is broken, with the stack; nil: it is not. It wraps ErrBroken. The host asks after each Advance.
func (s *Slot) Fault() error { return s.fault }

// contain makes a panic the end of the copy and not of the process. It is for defer; err, where there is one, gets the fault.
func (s *Slot) contain(err *error) {
	if cause := recover(); cause != nil {
		s.fault = fmt.Errorf("slot %d, instance %x: %w: %v\n%s", s.id, s.config.Self, ErrBroken, cause, debug.Stack())
	}
	if err != nil && s.fault != nil {
		*err = s.fault
	}
}
