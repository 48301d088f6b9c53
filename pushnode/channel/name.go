package channel

import (
	"fmt"
	"strings"
)

// nameBytes is the set of bytes that a channel's name is made of.
const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:/"

var inName = func() (set [256]bool) {
	for i := range len(nameBytes) {
		set[nameBytes[i]] = true
	}
	return set
}()

// ValidName returns nil for a channel name: 1 to MaxNameBytes of A-Z a-z 0-9 and _-=@,.;:/ (the error names the first byte that
// is none of them). It is never called by Apply: names are checked where they come in.
func ValidName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: it is empty", ErrName)
	}
	if len(name) > MaxNameBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrName, len(name), MaxNameBytes)
	}
	for i := range len(name) {
		if !inName[name[i]] {
			return fmt.Errorf("%w: byte %d is %q, allowed are letters, digits and _-=@,.;:/", ErrName, i+1, name[i:i+1])
		}
	}
	return nil
}

// Hidden reports whether a channel is Halley's own, such as that of the connections of one user: its name, which ValidName refuses, begins
// with "#". Apps are not told that it exists.
func Hidden(name string) bool { return strings.HasPrefix(name, "#") }
