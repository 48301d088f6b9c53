package history

import (
	"fmt"
	"strings"
	"time"
)

// Class is a way to break a promise.
type Class string

// The classes. Each breaks the invariant of the study that classes names.
const (
	Lost         Class = "lost"         // acknowledged, and neither delivered nor covered by a gap
	Reassigned   Class = "reassigned"   // one position shows two messages, or one message has two positions
	SilentGap    Class = "silent_gap"   // offsets are left out, and nothing was said
	Disorder     Class = "disorder"     // an offset is not above the one before, and the message is new
	Duplicate    Class = "duplicate"    // a message came twice
	Overtaken    Class = "overtaken"    // sent after another was acknowledged, and stands before it
	EpochBack    Class = "epoch_back"   // an epoch that was over came back
	FewCopies    Class = "few_copies"   // acknowledged with fewer copies than promised
	Resurrected  Class = "resurrected"  // refused as not stored, and yet there
	Invented     Class = "invented"     // nobody published it
	Flapped      Class = "flapped"      // a member left, or entered again, that was never away for its grace
	Ghost        Class = "ghost"        // listed as a member at rest, and is none
	Forgotten    Class = "forgotten"    // not listed at rest, and is one
	SessionLost  Class = "session_lost" // came back in time, and was given another session
	Doubled      Class = "doubled"      // a repeated publish was not answered like the first
	Needless     Class = "needless_gap" // a gap was told where no fault explains one
	Noticed      Class = "noticed"      // somebody noticed what nobody should
	Unhealed     Class = "unhealed"     // a node did not get well in time, or did not end as it should
	Malformed    Class = "malformed"    // the history itself is broken, so that it proves nothing
	Unreasonable Class = "unreasonable" // what was told contradicts itself
)

var classes = map[Class]string{
	Lost: "I1", Reassigned: "I2", SilentGap: "I3", Disorder: "I3", Duplicate: "I4", Overtaken: "I5", EpochBack: "I6",
	FewCopies: "I12", Resurrected: "I13", Invented: "I2", Flapped: "I15", Ghost: "I16", Forgotten: "I15", SessionLost: "I17",
	Doubled: "I18", Needless: "I1", Noticed: "I20", Unhealed: "I19", Malformed: "-", Unreasonable: "I3",
}

// Invariant is the number that the study gives to what the class breaks.
func (c Class) Invariant() string { return classes[c] }

// Violation is one broken promise, with the event that shows it.
type Violation struct {
	Class     Class         `json:"class"`
	Invariant string        `json:"invariant"`
	At        time.Duration `json:"at"`
	Client    string        `json:"client,omitzero"`
	Session   string        `json:"session,omitzero"`
	Channel   string        `json:"channel,omitzero"`
	ID        string        `json:"id,omitzero"`
	Epoch     string        `json:"epoch,omitzero"`
	Offset    uint64        `json:"offset,omitzero"`
	Text      string        `json:"text"`
}

// String is one line for people.
func (v Violation) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s at %.3fs", v.Invariant, v.Class, v.At.Seconds())
	for _, part := range [...]struct{ name, value string }{
		{"client", v.Client}, {"session", v.Session}, {"channel", v.Channel}, {"id", v.ID},
	} {
		if part.value != "" {
			fmt.Fprintf(&line, " %s=%s", part.name, part.value)
		}
	}
	if v.Epoch != "" {
		fmt.Fprintf(&line, " at %s:%d", v.Epoch, v.Offset)
	}
	return line.String() + ": " + v.Text
}
