package auth

import (
	"fmt"
	"math/bits"
)

// Op is what can be done to a channel; values combine as bits.
type Op uint8

// The operations.
const (
	OpPublish Op = 1 << iota
	OpSubscribe
	OpPresence
	OpHistory
)

// opAll is every operation; its name in a capability is "*".
const opAll = OpPublish | OpSubscribe | OpPresence | OpHistory

// opNames are the names in the order of the bits.
var opNames = [...]string{"publish", "subscribe", "presence", "history"}

// ParseOp reads the name of one operation, or "*" for all of them.
func ParseOp(name string) (Op, error) {
	if name == wildcard {
		return opAll, nil
	}
	for i, known := range opNames {
		if name == known {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf(`unknown operation %.40q: there are publish, subscribe, presence, history and "*"`, name)
}

// String is the operation's name; of several, the first one.
func (op Op) String() string {
	if op&opAll == 0 {
		return "none"
	}
	return opNames[bits.TrailingZeros8(uint8(op&opAll))]
}

// names lists the operations by name, all of them as "*".
func (op Op) names() []string {
	if op == opAll {
		return []string{wildcard}
	}
	var names []string
	for i, name := range opNames {
		if op&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
