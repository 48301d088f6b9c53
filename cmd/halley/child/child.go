// Package child is what those have in common who start nodes as processes of their own: a load, a run that hurts a cluster. It knows
// nothing of what they do with them.
package child

import (
	"os"
	"slices"
	"strings"
)

// Environment is the environment without Halley's own settings, which are for who starts the node.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HALLEY_") })
}
