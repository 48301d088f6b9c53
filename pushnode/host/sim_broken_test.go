package host_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// breakage is one of the wrong builds of the note's section 4, made from outside: the product has no switch for it.
type breakage int

const (
	sound breakage = iota
	// acksEarly answers for followers that an append has arrived, when it has only been sent: acknowledged before it is committed.
	acksEarly
	// reusesInstance starts a node again under the instance id that it had: it has forgotten what it promised, and counts.
	reusesInstance
	// acceptsOldTerm gives appends, heartbeats and their answers the term that the receiver is in: a leader that was voted out is heard,
	// and hears nothing of it.
	acceptsOldTerm
	// skipsDedupe gives a publication that is sent again another id, which the checker takes off again.
	skipsDedupe
	// skipsAttach swallows what nodes say to a new source of a slot about the channels that they follow.
	skipsAttach
	// skipsQuorum answers queries from the copy of the node that was asked, whoever leads.
	skipsQuorum
)

var breakages = map[string]breakage{
	"acknowledges before commit": acksEarly, "reuses the instance id": reusesInstance, "accepts an old term": acceptsOldTerm,
	"skips dedupe": skipsDedupe, "skips re-attach": skipsAttach, "answers without quorum": skipsQuorum,
}

// TestBrokenBuildsAreCaught is the proof that the checker bites. What it knows from the inside of nodes (I9, I11) is not held here:
// what clients see, and raft's own assertions, must be enough. Nor is it enough that a build does not come to rest (I16, I19).
func TestBrokenBuildsAreCaught(t *testing.T) {
	if withoutRace(t) {
		return
	}
	for _, name := range sortedTexts(breakages) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 500; seed++ {
				p := makePlan(seed, simLength)
				if breakages[name] == reusesInstance {
					p = hasty(p)
				}
				if w := simulate(seed, p, breakages[name]); w.failure != "" {
					t.Logf("caught by seed %d: %s", seed, w.failure)
					return
				}
			}
			t.Error("500 seeds did not notice")
		})
	}
}

// hasty adds kills, two at a time, of nodes that begin again before the others have noticed.
func hasty(p plan) plan {
	for i, f := range p.faults {
		soon := 20*millisecond + f.lasts%(150*millisecond)
		p.faults = append(p.faults,
			fault{kind: "kill", at: f.at + second, place: i % p.places, lasts: soon},
			fault{kind: "kill", at: f.at + second + soon + f.lasts%second/2, place: (i + 1) % p.places, lasts: soon})
	}
	return p
}

// Where the parts of a frame with a message between copies are: behind its kind and its slot, which is below 128.
const (
	kindRaft    = 1
	kindFollow  = 5
	raftBegins  = 2
	raftVersion = 1
	codeAppend  = 1
	codeAnswer  = 2
	codeBeaten  = 4  // an answer to a heartbeat; 3: a heartbeat
	lifeBits    = 20 // of the id of a copy, behind the instance
)

// copyMessage is what can be read from a frame with a message between copies; the last three of an append only.
type copyMessage struct {
	code        byte
	from, to    uint64
	term        uint64
	rest        []byte // behind the term
	index, size uint64 // of the entry before, and how many follow
}

func readHead(frame []byte) (a copyMessage, is bool) {
	if frame[0] != kindRaft || frame[raftBegins] != raftVersion {
		return a, false
	}
	rest := frame[raftBegins+3:] // the generation is 0
	a.code = frame[raftBegins+1]
	a.from, a.to = binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
	a.term, a.rest = takeNumber(rest[16:])
	return a, true
}

func readAppend(frame []byte) (a copyMessage, is bool) {
	a, is = readHead(frame)
	if !is || a.code != codeAppend {
		return a, false
	}
	var behind []byte
	a.index, behind = takeNumber(a.rest)
	_, behind = takeNumber(behind)
	_, behind = takeNumber(behind)
	a.size, _ = takeNumber(behind)
	return a, true
}

func takeNumber(b []byte) (uint64, []byte) {
	n, size := binary.Uvarint(b)
	return n, b[size:]
}

// frameOf makes the head of a frame with a message between copies.
func frameOf(slot, code byte, from, to, term uint64) []byte {
	frame := []byte{kindRaft, slot, raftVersion, code, 0}
	frame = binary.LittleEndian.AppendUint64(frame, from)
	frame = binary.LittleEndian.AppendUint64(frame, to)
	return binary.AppendUvarint(frame, term)
}

// leaves is called with every frame that a node sends; false: it is swallowed.
func (w *world) leaves(from *node, frame []byte) bool {
	switch w.broken {
	case acksEarly:
		if a, is := readAppend(frame); is && a.size > 0 {
			w.after(0, func() { w.answerFor(from, frame[1], a) })
		}
	case skipsAttach:
		if frame[0] == kindFollow && frame[2] == 1 { // all that it follows
			from.followed[frame[1]]++
			return from.followed[frame[1]] == 1
		}
	}
	return true
}

func (w *world) answerFor(leader *node, slot byte, a copyMessage) {
	answer := binary.AppendUvarint(frameOf(slot, codeAnswer, a.to, a.from, a.term), a.index+a.size)
	leader.do(func() { _ = leader.host.Receive(leader.clock(), a.to>>lifeBits, append(answer, 0)) })
}

// arrives is called with every frame that reaches a node.
func (w *world) arrives(to *node, frame []byte) []byte {
	if w.broken != acceptsOldTerm {
		return frame
	}
	a, is := readHead(frame)
	if !is || a.code > codeBeaten {
		return frame
	}
	answer := a.code == codeAnswer || a.code == codeBeaten
	seen := to.host.Status(int(frame[1]))
	if !seen.Copy || !answer && a.term >= seen.Term || answer && !seen.Leads {
		return frame
	}
	return append(frameOf(frame[1], a.code, a.from, a.to, seen.Term), a.rest...)
}

// publishedAs is the id that a node is given for a message.
func (w *world) publishedAs(m *sent) string {
	if w.broken == skipsDedupe && m.tries > 1 {
		return fmt.Sprint(m.id, "/", m.tries)
	}
	return m.id
}

// messageOf is the message of an id.
func messageOf(id string) string {
	message, _, _ := strings.Cut(id, "/")
	return message
}

// instanceAt is the id of a process that begins at a place.
func (w *world) instanceAt(number int) uint64 {
	instance := w.chance.Uint64N(host.MaxInstance) + 1
	if w.broken != reusesInstance {
		return instance
	}
	for _, n := range w.all {
		if n.number == number && !n.alive {
			w.network.forget(n)
			return n.instance
		}
	}
	return instance
}

// answerHere answers a query as a node would that does not care whether it leads.
func (w *world) answerHere(n *node, slot int, query channel.Query, done func(host.Reply)) bool {
	if w.broken != skipsQuorum {
		return false
	}
	answer := n.host.AnswerHere(slot, query)
	if answer != nil {
		w.after(w.between(millisecond, 20*millisecond), func() { done(host.Reply{Answer: answer}) })
	}
	return answer != nil
}
