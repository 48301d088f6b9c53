package pressure

import "time"

// State says what a node does about pressure. Each one includes what those before it do.
type State uint8

// The states, from the first to the worst.
const (
	Normal   State = iota // everybody is let in
	Crowded               // new clients are not let in; those who come back are
	Strained              // nothing is published through this node
	Critical              // nobody is let in, nothing is added to what this node leads, and the longest queues are let go
)

// String is the state's name in logs and answers.
func (s State) String() string {
	switch s {
	case Normal:
		return "normal"
	case Crowded:
		return "crowded"
	case Strained:
		return "strained"
	default:
		return "critical"
	}
}

// Limits are what a node may use.
type Limits struct {
	Memory int64         // bytes; 0: memory is not judged
	Delay  time.Duration // of Reading.Delay; 0: processors are not judged
}

// DefaultDelay is the wait for a processor from which a node counts as out of them. A node that is merely busy stays far below: a fan-out
// to ten thousand takes 10 ms on one core.
const DefaultDelay = 250 * time.Millisecond

// Reading is what a node uses at a moment.
type Reading struct {
	Memory int64         // bytes that a garbage collection would not give back
	Delay  time.Duration // nine of ten goroutines waited less than this for a processor since the reading before
}
