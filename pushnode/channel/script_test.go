package channel_test

import (
	"bytes"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"halley/pushnode/channel"
	"halley/test/script"
)

var update = flag.Bool("update", false, "rewrite what the scripts in testdata expect")

func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", *update, func(t *testing.T) func(script.Command) string {
		w := &world{t: t, state: channel.NewState(1)}
		return w.do
	})
}

// world is a state that a script drives. Its app is always "app".
type world struct {
	t     *testing.T
	state *channel.State
	now   int64
}

func (w *world) do(c script.Command) string {
	if command := w.command(c); command != nil {
		results, effects := w.state.Apply(w.now, []channel.Command{command})
		return showResult(results[0]) + showEffects(effects)
	}
	if answer, known := w.query(c); known {
		return answer
	}
	w.t.Fatalf("unknown command %s", c.Name)
	return ""
}

func (w *world) command(c script.Command) channel.Command {
	generation := uint64(c.Number("gen", 1))
	switch c.Name {
	case "publish":
		return channel.Publish{
			Channel: room(c.Word(0)), ID: c.Options["id"], Event: "e", Data: []byte(c.Options["data"]),
			Exclude: c.Options["exclude"], ClientID: c.Options["client"], Retention: retention(c),
		}
	case "import": // ids with their times, as a@12
		return channel.Import{Channel: room(c.Word(0)), Retention: retention(c), Publications: imported(w.t, c.Words[1:])}
	case "enter":
		return channel.EnterPresence{
			Channel: room(c.Word(0)), ClientID: c.Word(1), Session: c.Word(2), Generation: generation,
			Data: []byte(c.Options["data"]), Max: int(c.Number("max", 0)), Attempt: uint64(c.Number("attempt", 0)),
		}
	case "leave":
		return channel.LeavePresence{
			Channel: room(c.Word(0)), ClientID: c.Word(1), Session: c.Word(2), Generation: generation, Final: c.Word(3) == "final",
		}
	case "attach":
		return channel.AttachSession{
			App: "app", Session: c.Word(0), SecretHash: [32]byte([]byte(fmt.Sprintf("%32s", c.Options["secret"]))),
			ClientID: c.Options["client"], Edge: uint64(c.Number("edge", 1)), Expires: c.Number("expires", 0),
			Create: c.Word(1) == "create", Attempt: uint64(c.Number("attempt", 0)),
		}
	case "update":
		return channel.UpdateSession{
			App: "app", Session: c.Word(0), Generation: generation, Expires: c.Number("expires", 0),
			Channels: subscriptions(list(c.Options["channels"])), Presence: list(c.Options["presence"]),
		}
	case "detach":
		return channel.DetachSession{App: "app", Session: c.Word(0), Generation: generation}
	case "end":
		return channel.EndSession{App: "app", Session: c.Word(0), Generation: generation}
	case "cleared":
		return channel.PresenceCleared{
			App: "app", Session: c.Word(0), Generation: uint64(c.Number("gen", 0)), Channels: list(c.Options["channels"]),
		}
	case "break":
		return channel.BreakEpoch{Generation: uint32(generation), Whole: c.Word(0) == "whole"}
	case "lost":
		return channel.EdgeLost{Edge: uint64(c.Number("edge", 1))}
	case "restart":
		return channel.RestartGrace{}
	case "occupy", "vacate":
		return channel.Occupy{Channel: room(c.Word(0)), ClientID: c.Word(1), Present: c.Name == "occupy"}
	case "announced":
		return channel.Announced{Hooks: numbers(w.t, c.Words)}
	case "advance":
		return channel.Advance{}
	}
	return nil
}

func (w *world) query(c script.Command) (answer string, known bool) {
	id := room(c.Word(0))
	switch c.Name {
	case "at": // later commands come at this time
		w.now = milliseconds(c.Number("ms", 0)).Milliseconds() + c.Number("s", 0)*1000
		return "ok", true
	case "backlog":
		start := channel.Start{Since: position(w.t, c.Options["since"]), Rewind: int(c.Number("rewind", 0))}
		return showBacklog(w.state.Backlog(id, start, int(c.Number("limit", 100)))), true
	case "history":
		return showPage(w.state.History(id, channel.HistoryQuery{
			Limit: int(c.Number("limit", 100)), Forward: c.Word(1) == "forward", Since: position(w.t, c.Options["since"]),
		})), true
	case "members":
		members, version := w.state.Members(id)
		answer = fmt.Sprintf("version %d", version)
		for _, m := range members {
			answer += " " + showMember(m)
		}
		return answer, true
	case "everyone":
		w.state.EachMember(c.Number("before", 1<<62), func(id channel.ID, one channel.Member, generation uint64) bool {
			answer += fmt.Sprintf("%s %s gen=%d\n", id.Name, showMember(one), generation)
			return one.ClientID != c.Options["until"]
		})
		return answer + "all", true
	case "remains":
		remains, keep := w.state.Remains(id)
		for _, one := range remains {
			answer += fmt.Sprintf("%v=%s ", one.Position, one.Publication.ID)
		}
		return answer + fmt.Sprintf("held=%v messages=%d", w.state.Held(), keep.Messages), true
	case "hooks":
		return showHooks(w.state, uint64(c.Number("after", 0)), int(c.Number("limit", 100))), true
	case "edges":
		return fmt.Sprint(w.state.Edges()), true
	case "info":
		info, held := w.state.Info(id)
		return fmt.Sprintf("held=%t %s", held, showInfo(info)), true
	case "channels":
		infos := w.state.Channels("app", c.Options["prefix"], c.Options["after"], int(c.Number("limit", 100)))
		for _, info := range infos {
			answer += showInfo(info) + "\n"
		}
		return answer + fmt.Sprintf("%d channels", len(infos)), true
	case "session":
		record, found := w.state.Session("app", c.Word(0))
		return fmt.Sprintf("found=%t %s", found, showSession(record)), true
	case "usage":
		return fmt.Sprintf("%+v", w.state.Usage()), true
	case "deadline":
		at, due := w.state.NextDeadline()
		return fmt.Sprintf("%t %s", due, milliseconds(at)), true
	case "snapshot": // go on with a copy
		return w.restore(), true
	}
	return "", false
}

func (w *world) restore() string {
	before := channel.AppendSnapshot(nil, w.state)
	restored, err := channel.RestoreSnapshot(before)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(channel.AppendSnapshot(nil, restored), before) || restored.Usage() != w.state.Usage() {
		w.t.Fatal("the restored state is another one")
	}
	w.state = restored
	return "restored"
}

func retention(c script.Command) channel.Retention {
	return channel.Retention{
		Messages: int(c.Number("messages", 3)), Bytes: int(c.Number("bytes", 1000)), Age: milliseconds(c.Number("age", 10_000)),
	}
}

func imported(t *testing.T, words []string) (publications []channel.Imported) {
	t.Helper()
	for _, word := range words {
		id, at, _ := strings.Cut(word, "@")
		timestamp, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		publications = append(publications, channel.Imported{ID: id, Event: "e", Timestamp: timestamp})
	}
	return publications
}

func numbers(t *testing.T, words []string) (list []uint64) {
	t.Helper()
	for _, word := range words {
		number, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, number)
	}
	return list
}

func room(name string) channel.ID { return channel.ID{App: "app", Name: name} }

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func subscriptions(names []string) (subscriptions []channel.Subscription) {
	for _, name := range names {
		plain, presence := strings.CutSuffix(name, "+")
		subscriptions = append(subscriptions, channel.Subscription{Channel: plain, Presence: presence})
	}
	return subscriptions
}

func position(t *testing.T, text string) *channel.Position {
	t.Helper()
	if text == "" {
		return nil
	}
	parsed, err := channel.ParsePosition(text)
	if err != nil {
		t.Fatal(err)
	}
	return &parsed
}

func showResult(r channel.Result) string {
	var b strings.Builder
	if r.Err != nil {
		fmt.Fprintf(&b, "error: %v", r.Err)
	} else {
		b.WriteString("ok")
	}
	if r.ID != "" {
		fmt.Fprintf(&b, " %s", r.ID)
	}
	if r.Position != (channel.Position{}) {
		fmt.Fprintf(&b, " %s", r.Position)
	}
	if r.Duplicate {
		b.WriteString(" duplicate")
	}
	if r.Version != 0 {
		fmt.Fprintf(&b, " version %d", r.Version)
	}
	if r.Session.ID != "" {
		fmt.Fprintf(&b, " resumed=%t %s", r.Resumed, showSession(r.Session))
	}
	return b.String() + "\n"
}

func showEffects(effects []channel.Effect) string {
	var b strings.Builder
	for _, effect := range effects {
		switch e := effect.(type) {
		case channel.Published:
			fmt.Fprintf(&b, "  published %s %s:%s\n", e.Channel.Name, e.Epoch, showPublication(e.Publication))
		case channel.PresenceChanged:
			fmt.Fprintf(&b, "  %s %s %s version %d only=%t\n", e.Action, e.Channel.Name, showMember(e.Member), e.Version, e.Only)
		case channel.PresenceDue:
			fmt.Fprintf(&b, "  presence due %s of %s gen=%d in %v\n", e.Session, e.ClientID, e.Generation, e.Channels)
		case channel.SessionEnded:
			fmt.Fprintf(&b, "  ended %s edge=%d\n", e.Session, e.Edge)
		case channel.SessionMoved:
			fmt.Fprintf(&b, "  moved %s gen=%d from %d to %d\n", e.Session, e.Generation, e.From, e.To)
		}
	}
	return b.String()
}

func showPublication(p *channel.Publication) string {
	text := fmt.Sprintf("%d=%s(%s)@%s", p.Offset, p.ID, p.Data, milliseconds(p.Time))
	if p.Exclude != "" {
		text += "-" + p.Exclude
	}
	if p.ClientID != "" {
		text += " by " + p.ClientID
	}
	return text
}

func showPublications(publications []*channel.Publication) string {
	ids := []string{}
	for _, p := range publications {
		ids = append(ids, fmt.Sprintf("%d=%s", p.Offset, p.ID))
	}
	return fmt.Sprint(ids)
}

func showGap(gap *channel.Gap) string {
	if gap == nil {
		return ""
	}
	return fmt.Sprintf("gap %s %d-%d ", gap.Reason, gap.From, gap.To)
}

func showBacklog(b channel.Backlog) string {
	return fmt.Sprintf("%sfrom %s %s to %s head %s", showGap(b.Gap), b.From, showPublications(b.Publications), b.Position, b.Head)
}

func showPage(p channel.HistoryPage) string {
	return fmt.Sprintf("%s%s %s more=%t", showGap(p.Gap), p.Epoch, showPublications(p.Publications), p.More)
}

func showInfo(i channel.Info) string {
	return fmt.Sprintf("%s %s messages=%d bytes=%d members=%d users=%d version=%d",
		i.Name, i.Position, i.Messages, i.Bytes, i.Members, i.Users, i.Version)
}

// showHooks is what waits to be told, who is there, and what was let go of.
func showHooks(s *channel.State, after uint64, limit int) string {
	var b strings.Builder
	for _, one := range s.HooksAfter(after, limit) {
		fmt.Fprintf(&b, "%d.%d %s/%s present=%t at %s\n",
			one.Generation, one.Number, one.Channel.Name, one.ClientID, one.Present, milliseconds(one.Time))
	}
	s.EachPresent(func(id channel.ID, clientID string) { fmt.Fprintf(&b, "present %s/%s\n", id.Name, clientID) })
	waiting, lost := s.WaitingHooks()
	found := 0
	for number := uint64(1); number <= s.HookHead(); number++ {
		if s.HookWaits(number) {
			found++
		}
	}
	if found != waiting {
		fmt.Fprintf(&b, "%d are found, ", found)
	}
	fmt.Fprintf(&b, "head %d, %d wait, %d lost", s.HookHead(), waiting, lost)
	return b.String()
}

func showMember(m channel.Member) string {
	return fmt.Sprintf("%s/%s(%s)", m.ClientID, m.Session, m.Data)
}

func showSession(s channel.Session) string {
	return fmt.Sprintf("%s client=%s gen=%d edge=%d attached=%t since=%s expires=%d channels=%v presence=%v",
		s.ID, s.ClientID, s.Generation, s.Edge, s.Attached, milliseconds(s.Since), s.Expires, s.Channels, s.Presence)
}
