package cluster

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// State is what a member says of itself.
type State uint8

// The states of a member, in the order in which it passes through them.
const (
	Joining  State = iota + 1 // it looks for its cluster, or its copies are not level yet
	Ready                     // it serves clients and holds slots
	Draining                  // it hands over what it has; nothing new should come to it
	Leaving                   // it has no clients any more: nobody should count on its copies
	Left                      // its last word: it will not come back under this instance
)

var stateNames = [...]string{Joining: "joining", Ready: "ready", Draining: "draining", Leaving: "leaving", Left: "left"}

// String returns the word for the state, as metrics and logs have it.
func (s State) String() string {
	if s.valid() {
		return stateNames[s]
	}
	return "unknown"
}

func (s State) valid() bool { return s >= Joining && s <= Left }

// Range is what versions of the protocol between nodes a member speaks, both ends included.
type Range struct{ Min, Max uint8 }

// Overlaps reports whether two members have a version in common.
func (r Range) Overlaps(other Range) bool { return r.Min <= other.Max && other.Min <= r.Max }

// String returns the range as 1-2.
func (r Range) String() string { return fmt.Sprintf("%d-%d", r.Min, r.Max) }

// Member is one process life of a node. Name and zone are the operator's words; Instance alone identifies it.
type Member struct {
	Instance uint64         // random for each process start, never 0 and never used again
	Name     string         // of the node, which a restart keeps
	Gossip   netip.AddrPort // where its gossip listens
	Links    netip.AddrPort // where its links listen
	Cluster  uint64         // the cluster it belongs to; 0: none yet
	State    State
	Zone     string // at most 32 bytes; may be empty
	Protocol Range
	Started  time.Time // by its own clock, to the millisecond: fit for display and for a choice between two, not for safety
}

// LogValue shows the member by what an operator knows it by.
func (m Member) LogValue() slog.Value {
	return slog.GroupValue(slog.String("node", m.Name), slog.String("instance", formatID(m.Instance)),
		slog.String("gossip", m.Gossip.String()), slog.String("state", m.State.String()))
}

// formatID writes an instance or a cluster as logs and member names have it: 16 hexadecimal digits.
func formatID(id uint64) string { return fmt.Sprintf("%016x", id) }

// gossipName is the name of a member in memberlist. It holds the instance, so that a restart is a new member there as well and no
// name is ever used again.
func gossipName(name string, instance uint64) string { return name + "#" + formatID(instance) }

// parseGossipName takes a name of memberlist apart.
func parseGossipName(s string) (name string, instance uint64, err error) {
	name, digits, ok := strings.Cut(s, "#")
	if !ok || len(digits) != 16 || !validName(name) {
		return "", 0, fmt.Errorf("cluster: %q is no name of a member", s)
	}
	instance, err = strconv.ParseUint(digits, 16, 64)
	if err != nil || instance == 0 || gossipName(name, instance) != s {
		return "", 0, fmt.Errorf("cluster: %q holds no instance", s)
	}
	return name, instance, nil
}

// maxName bounds a node's name, in bytes. The longest host name of Linux has 64, a fully qualified one may have more.
const maxName = 128

// validName reports whether a name can be part of a member's: visible ASCII without the separators # and /.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '#' || c == '/' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}
