package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Rules say what the service that made a history promises.
type Rules struct {
	Copies  int           // how many nodes must have what is acknowledged; 0: nothing is said
	Grace   time.Duration // how long a member may be away before it leaves; 0: presence is not judged
	Silence time.Duration // how long a connection may be dead before its client knows
	Smooth  bool          // no fault is one that anybody may notice: no answer 503, no gap, no session lost
	Breaks  bool          // what was kept may be lost with most of its copies: a gap tells it, sessions and members come anew
	NoGaps  bool          // no gap may be told but one that time made: what was missed has left the history
}

// Result is what Check found.
type Result struct {
	Violations []Violation   `json:"violations"` // of each class the first that were found, at most mostOfAClass
	Counts     map[Class]int `json:"counts"`     // of each class all
	Figures    Figures       `json:"figures"`
}

// Sound reports whether no promise was broken.
func (r *Result) Sound() bool { return len(r.Counts) == 0 }

// mostOfAClass bounds what is told in full: the first ones say most.
const mostOfAClass = 10

// Check judges a history, which must be in the order of its times and come to its end in quiet: see Quiescent.
func Check(events []Event, rules Rules) *Result {
	c := &checker{
		rules:    rules,
		result:   &Result{Violations: []Violation{}, Counts: make(map[Class]int)},
		channels: make(map[string]*channel),
		streams:  make(map[streamKey]*stream),
		sessions: make(map[string]*session),
		sights:   make(map[sight]bool),
		counted:  make(map[string]map[string]bool),
	}
	for i := range events {
		c.event(&events[i])
	}
	c.judgeIdentity()
	c.judgeOrder()
	c.judgeLoss()
	c.judgePresence()
	c.result.Figures = measure(events)
	slices.SortStableFunc(c.result.Violations, func(a, b Violation) int { return cmp.Compare(a.At, b.At) })
	return c.result
}

// checker is what is known after a part of a history.
type checker struct {
	rules    Rules
	result   *Result
	channels map[string]*channel
	streams  map[streamKey]*stream
	order    []*stream // the streams, as they came
	sessions map[string]*session
	sights   map[sight]bool             // who is taken for a member, by whom
	leaves   []Event                    // MemberLeave, judged when all absences are known
	counted  map[string]map[string]bool // by channel, the members listed at rest
	at       time.Duration              // of the last event
	hurt     bool                       // a fault is in force
	healed   time.Duration              // when the last one was over
}

func (c *checker) event(e *Event) {
	if e.At < c.at {
		c.violate(Malformed, e, "its time %v is before %v", e.At, c.at)
	}
	c.at = max(c.at, e.At)
	switch e.Kind {
	case Invoke, Retry, OK, Refused, Unknown, Earlier:
		c.publication(e)
	case Attach, Message, Gap:
		c.received(e)
	case Read:
		c.channel(e.Channel).place(e)
	case Connected, Disconnected, Entered, Ended, MemberEnter, MemberLeave, Present, Counted:
		c.presence(e)
	case Error:
		if c.rules.Smooth && e.Status >= 500 {
			c.violate(Noticed, e, "%s", e.Reason)
		}
	case Fault, Healed:
		c.hurt, c.healed = e.Kind == Fault, e.At
	case Trouble:
		c.violate(Unhealed, e, "%s", e.Reason)
	case Suspended:
		if c.rules.Smooth {
			c.violate(Noticed, e, "suspended")
		}
	}
}

// doubtTime is for how long after a fault a request may still be on its way that was sent amid it.
const doubtTime = 10 * time.Second

// doubt reports whether a fault is to be felt: nodes that get no answer try again, and cannot know which try was the first.
func (c *checker) doubt() bool { return c.hurt || c.healed > 0 && c.at < c.healed+doubtTime }

// violate counts a violation that an event shows, and keeps it if there are few of its class.
func (c *checker) violate(class Class, e *Event, format string, arguments ...any) {
	c.result.Counts[class]++
	if c.result.Counts[class] > mostOfAClass {
		return
	}
	c.result.Violations = append(c.result.Violations, Violation{
		Class: class, Invariant: class.Invariant(), At: e.At, Client: e.Client, Session: e.Session, Channel: e.Channel,
		ID: e.ID, Epoch: e.Epoch, Offset: e.Offset, Text: fmt.Sprintf(format, arguments...),
	})
}
