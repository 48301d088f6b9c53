package slot_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
	"halley/test/script"
)

var update = flag.Bool("update", false, "rewrite what the scripts in testdata expect")

func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", *update, func(t *testing.T) func(script.Command) string {
		w := &world{t: t}
		return w.do
	})
}

// world is the copies that a script drives.
type world struct {
	t *testing.T
	*network
}

func (w *world) do(c script.Command) string {
	switch c.Name {
	case "copies":
		count, err := strconv.Atoi(c.Word(0))
		if err != nil {
			w.t.Fatal(err)
		}
		w.network = newNetwork(w.t, count, func(config *slot.Config) { config.LogEntries = int(c.Number("log", 0)) })
		return "ok"
	case "status":
		return w.status()
	case "members":
		return w.members()
	case "progress":
		return w.progress(instance(c))
	case "backlog":
		return w.backlog(instance(c))
	}
	err := w.act(c)
	text := "ok"
	if err != nil {
		text = "error: " + err.Error()
	}
	if _, hold := c.Options["hold"]; !hold {
		w.settle()
	}
	return text + w.output()
}

func (w *world) act(c script.Command) error {
	switch c.Name {
	case "campaign":
		return w.at(instance(c)).Campaign()
	case "suspect":
		return w.at(instance(c)).SuspectLeader()
	case "publish":
		_, err := w.publish(instance(c), c.Word(1), c.Options["id"], []byte(c.Options["data"]))
		return err
	case "advance":
		w.now += c.Number("ms", 0)
		_, err := w.at(instance(c)).Propose(w.now, []channel.Command{channel.Advance{}})
		return err
	case "empty": // an empty copy, of the next instance
		w.add(slot.Config{Generation: uint32(c.Number("generation", 0))})
	case "change":
		return w.at(instance(c)).Change(slot.Copies{Voters: list(c.Options["voters"]), Learners: list(c.Options["learners"])})
	case "transfer":
		return w.at(instance(c)).Transfer(uint64(c.Number("to", 0)))
	case "recover":
		return w.at(instance(c)).Recover(uint32(c.Number("generation", 0)), list(c.Options["learners"]))
	case "down":
		w.down[instance(c)] = true
	case "up":
		w.down[instance(c)] = false
	case "tick":
		w.tick(int(instance(c)))
	case "settle":
	default:
		w.t.Fatalf("unknown command %s", c.Name)
	}
	return nil
}

// instance is the first word.
func instance(c script.Command) uint64 {
	number, err := strconv.ParseUint(c.Word(0), 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}

// list reads instances with commas between them.
func list(text string) (instances []uint64) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		number, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			panic(err)
		}
		instances = append(instances, number)
	}
	return instances
}

// output is what came out since the last command.
func (w *world) output() string {
	var b strings.Builder
	for _, outcome := range w.outcomes {
		fmt.Fprintf(&b, "\n  ticket %d:", outcome.Ticket)
		for _, result := range outcome.Results {
			fmt.Fprintf(&b, " %s %s duplicate=%t", result.ID, result.Position, result.Duplicate)
		}
	}
	for i, effects := range w.effects {
		for _, effect := range effects {
			published := effect.(channel.Published)
			fmt.Fprintf(&b, "\n  %d: published %s %s:%d=%s", i+1, published.Channel.Name, published.Epoch,
				published.Publication.Offset, published.Publication.ID)
		}
		w.effects[i] = nil
	}
	w.outcomes = nil
	return b.String()
}

func (w *world) status() string {
	var lines []string
	for i, one := range w.copies {
		s := one.Status()
		const format = "%d: slot=%d self=%d term=%d leader=%d leads=%t settled=%t applied=%d log=%d/%dB level=%t restored=%d"
		lines = append(lines, fmt.Sprintf(format,
			i+1, s.ID, s.Self, s.Term, s.Leader, s.Leads, s.Settled, s.Applied, s.LogEntries, s.LogBytes,
			s.Hash == w.at(1).Status().Hash, w.restored[i]))
	}
	return strings.Join(lines, "\n")
}

// members is what each copy knows of the copies, and of itself among them.
func (w *world) members() string {
	var lines []string
	for i, one := range w.copies {
		s, copies := one.Status(), one.Copies()
		role := map[bool]string{s.Voter: "voter", s.Learner: "learner", s.Removed: "removed", s.Empty: "empty"}[true]
		const format = "%d: %s of generation %d, knows voters=%v learners=%v changing=%t agreed=%t fresh=%t"
		lines = append(lines, fmt.Sprintf(format,
			i+1, role, s.Generation, copies.Voters, copies.Learners, one.Changing(), s.Agreed, s.Fresh))
	}
	return strings.Join(lines, "\n")
}

func (w *world) progress(leader uint64) string {
	lines := []string{"ok"}
	for _, p := range w.at(leader).Progress() {
		const format = "%d: match=%d level=%t learner=%t suspended=%t behind=%d/%dB"
		lines = append(lines, fmt.Sprintf(format, p.Instance, p.Match, p.Level, p.Learner, p.Suspended, p.Entries, p.Bytes))
	}
	return strings.Join(lines, "\n")
}

func (w *world) backlog(at uint64) string {
	backlog := w.at(at).State().Backlog(channel.ID{App: "app", Name: "room"}, channel.Start{Rewind: 100}, 100)
	var ids []string
	for _, p := range backlog.Publications {
		ids = append(ids, fmt.Sprintf("%d=%s", p.Offset, p.ID))
	}
	return fmt.Sprintf("%v head %s", ids, backlog.Head)
}
