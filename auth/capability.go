package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// maxEntries bounds a capability: each command of a client walks all entries.
const maxEntries = 64

// ErrCapability is wrapped by every error of ParseCapability and of Capability.UnmarshalJSON.
var ErrCapability = errors.New("not a capability")

// Capability says which operations are allowed on which channels. What it does not name is denied. The zero value denies all.
// It is immutable; copies share its entries.
type Capability struct {
	entries []entry // sorted by pattern
}

type entry struct {
	pattern pattern
	ops     Op
}

// AllowAll is the capability of a secret key that was not narrowed: every operation on every channel.
func AllowAll() Capability {
	return Capability{entries: []entry{{pattern: pattern{text: wildcard}, ops: opAll}}}
}

// ParseCapability reads operations by channel pattern, as in {"room:*": ["subscribe", "history"]}: at most 64 patterns of at most
// 200 bytes, each with at least one operation. A pattern is a channel's name, or has "*" as whole segments between ":", each of
// which stands for one segment, and at the end for one or more. Errors wrap ErrCapability and say what to change.
func ParseCapability(rights map[string][]string) (Capability, error) {
	if len(rights) > maxEntries {
		return Capability{}, fmt.Errorf("%w: %d channel patterns: at most %d", ErrCapability, len(rights), maxEntries)
	}
	entries := make([]entry, 0, len(rights))
	for text, names := range rights {
		parsed, err := parseEntry(text, names)
		if err != nil {
			return Capability{}, fmt.Errorf("%w: %w", ErrCapability, err)
		}
		entries = append(entries, parsed)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.pattern.text, b.pattern.text) })
	return Capability{entries: entries}, nil
}

func parseEntry(text string, names []string) (entry, error) {
	parsed, err := parsePattern(text)
	if err != nil {
		return entry{}, err
	}
	if len(names) == 0 {
		return entry{}, fmt.Errorf("channel pattern %.60q names no operation", text)
	}
	var ops Op
	for _, name := range names {
		op, err := ParseOp(name)
		if err != nil {
			return entry{}, fmt.Errorf("channel pattern %.60q: %w", text, err)
		}
		ops |= op
	}
	return entry{pattern: parsed, ops: ops}, nil
}

// Allows reports whether the capability admits op on channel: of several operations, each of them, though by different entries.
func (c Capability) Allows(op Op, channel string) bool {
	missing := op
	for i := range c.entries {
		if c.entries[i].ops&missing != 0 && c.entries[i].pattern.matches(channel) {
			missing &^= c.entries[i].ops
		}
	}
	return missing == 0 && op != 0
}

// Lacks returns the first operation that other admits and c does not, with the pattern by which other does; 0 if c admits all
// that other does. To ask Allows about the pattern's own text is exact: only an entry with a "*" matches a "*" in it, and such an
// entry then matches every channel of the pattern.
func (c Capability) Lacks(other Capability) (op Op, pattern string) {
	for _, wanted := range other.entries {
		for op := OpPublish; op <= opAll; op <<= 1 {
			if wanted.ops&op != 0 && !c.Allows(op, wanted.pattern.text) {
				return op, wanted.pattern.text
			}
		}
	}
	return 0, ""
}

// IsZero reports whether the capability denies all.
func (c Capability) IsZero() bool { return len(c.entries) == 0 }

// Map is what ParseCapability reads: operations in their own order, all of them as "*".
func (c Capability) Map() map[string][]string {
	rights := make(map[string][]string, len(c.entries))
	for _, entry := range c.entries {
		rights[entry.pattern.text] = entry.ops.names()
	}
	return rights
}

// MarshalJSON writes what UnmarshalJSON reads. Equal capabilities have the same text.
func (c Capability) MarshalJSON() ([]byte, error) {
	return json.Marshal(c.Map(), json.Deterministic(true))
}

// UnmarshalJSON reads a JSON object of patterns and lists of operations. Duplicate names, null and invalid UTF-8 are errors.
func (c *Capability) UnmarshalJSON(text []byte) error {
	var rights map[string][]string
	if err := json.Unmarshal(text, &rights); err != nil {
		return fmt.Errorf("%w: %w", ErrCapability, capabilityFault(err))
	}
	if rights == nil {
		return fmt.Errorf("%w: null: an object of channel patterns is expected", ErrCapability)
	}
	parsed, err := ParseCapability(rights)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
