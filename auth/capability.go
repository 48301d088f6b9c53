package auth

// Op is what can be done to a channel; values combine as bits.
type Op uint8

// The operations.
const (
	OpPublish Op = 1 << iota
	OpSubscribe
	OpPresence
	OpHistory
)

// Capability says which operations are allowed on which channels. What it does not name is denied. The zero value denies all.
type Capability struct {
	entries []entry
}

type entry struct {
	pattern string
	ops     Op
}

// Allows reports whether the capability admits op on channel.
func (c Capability) Allows(op Op, channel string) bool {
	return false
}
