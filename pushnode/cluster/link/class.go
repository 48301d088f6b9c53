package link

import "fmt"

// Class is what kind of frames a connection carries. Each class has a connection of its own, so that none waits behind another.
type Class uint8

// The classes.
const (
	Control Class = iota // heartbeats, votes, routes
	Data                 // appends, publications, deliveries
	Bulk                 // snapshots; held to a rate
	classes
)

// MaxFrame returns the longest frame of a class in bytes: 2 MiB of Control, 32 MiB of the others, which a channel's whole presence takes
// at its limits.
func (c Class) MaxFrame() int {
	if c == Control {
		return 2 << 20
	}
	return 32 << 20
}

// String returns the class's name as metrics and logs have it.
func (c Class) String() string {
	if c < classes {
		return [classes]string{"control", "data", "bulk"}[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}
