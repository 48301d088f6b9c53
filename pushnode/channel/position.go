package channel

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ID names a channel: its app and its name within the app. Every map, frame and hash uses both, so that equal names of two
// apps never meet.
type ID struct {
	App  string
	Name string
}

// Compare orders ids by app, then name.
func (id ID) Compare(other ID) int {
	return cmp.Or(strings.Compare(id.App, other.App), strings.Compare(id.Name, other.Name))
}

// Epoch names one numbering of a channel. Clients treat its text as opaque. Within one cluster and channel a later epoch is
// greater: first by generation (forced recoveries of the slot), then by incarnation (channels the slot has begun).
type Epoch struct {
	Cluster     uint64
	Generation  uint32
	Incarnation uint64
}

// Position means "everything up to and with Offset has been received". Offset 0 stands before the first message.
type Position struct {
	Epoch  Epoch
	Offset uint64
}

// maxEpochText bounds what ParseEpoch reads: three base-36 numbers and two dashes.
const maxEpochText = 48

// ErrPosition is wrapped by every error of ParsePosition and ParseEpoch.
var ErrPosition = errors.New("not a position")

// String is the epoch as clients see it.
func (e Epoch) String() string {
	var text [maxEpochText]byte
	return string(e.Append(text[:0]))
}

// Append appends the epoch's text to dst.
func (e Epoch) Append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, e.Cluster, 36)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, uint64(e.Generation), 36)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, e.Incarnation, 36)
}

// String is the position as clients see it: epoch:offset.
func (p Position) String() string { return string(p.Append(nil)) }

// Append appends the position's text to dst.
func (p Position) Append(dst []byte) []byte {
	dst = append(p.Epoch.Append(dst), ':')
	return strconv.AppendUint(dst, p.Offset, 10)
}

// ParseEpoch reads what Epoch.String wrote, and nothing else: one epoch has one text.
func ParseEpoch(text string) (Epoch, error) {
	parts := strings.Split(text, "-")
	if len(text) > maxEpochText || len(parts) != 3 {
		return Epoch{}, fmt.Errorf("%w: epoch %.60q", ErrPosition, text)
	}
	var numbers [3]uint64
	for i, part := range parts {
		bits := 64
		if i == 1 {
			bits = 32
		}
		number, err := strconv.ParseUint(part, 36, bits)
		if err != nil || strconv.FormatUint(number, 36) != part {
			return Epoch{}, fmt.Errorf("%w: epoch %.60q", ErrPosition, text)
		}
		numbers[i] = number
	}
	return Epoch{Cluster: numbers[0], Generation: uint32(numbers[1]), Incarnation: numbers[2]}, nil
}

// ParsePosition reads what Position.String wrote, and nothing else.
func ParsePosition(text string) (Position, error) {
	epochText, offsetText, found := strings.Cut(text, ":")
	if !found {
		return Position{}, fmt.Errorf("%w: %.80q has no colon", ErrPosition, text)
	}
	epoch, err := ParseEpoch(epochText)
	if err != nil {
		return Position{}, err
	}
	offset, err := strconv.ParseUint(offsetText, 10, 64)
	if err != nil || strconv.FormatUint(offset, 10) != offsetText {
		return Position{}, fmt.Errorf("%w: offset %.30q", ErrPosition, offsetText)
	}
	return Position{Epoch: epoch, Offset: offset}, nil
}
