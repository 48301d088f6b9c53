package channel_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

// TestStateAgainstModel does at random what can be done to a slot, and compares every answer, effect and read with the model.
// Beside the state runs a copy, which now and then is begun anew from a snapshot: it must stay equal to the one that saw the
// whole log.
func TestStateAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{state: channel.NewState(1), copied: channel.NewState(1), model: newModel()}
		t.Repeat(map[string]func(*rapid.T){
			"publish":  m.publish,
			"import":   m.importSome,
			"presence": m.presence,
			"session":  m.session,
			"hooks":    m.hooks,
			"time":     func(t *rapid.T) { m.advance(t, channel.Advance{}) },
			"lost":     func(t *rapid.T) { m.advance(t, channel.EdgeLost{Edge: rapid.Uint64Range(1, 3).Draw(t, "edge")}) },
			"restart":  func(t *rapid.T) { m.advance(t, channel.RestartGrace{}) },
			"break": func(t *rapid.T) {
				m.apply(t, channel.BreakEpoch{
					Generation: rapid.Uint32Range(0, 12).Draw(t, "generation"), Whole: rapid.Bool().Draw(t, "whole"),
				})
			},
			"read":     m.read,
			"snapshot": m.snapshot,
			"":         m.check,
		})
	})
}

var (
	channelNames = []string{"a", "b", "c"}
	clientNames  = []string{"ada", "bob"}
	sessionNames = []string{"s1", "s2", "s3"}
	idNames      = []string{"i1", "i2", "i3", "i4", "i5"}
	spans        = []int64{0, 1, 999, 4_000, 5_000, 14_999, 15_000, 59_000, 60_000, 119_000, 120_000, 300_000, 600_000, -1_000}
	ages         = []int64{0, 1, 10_000, 60_000, 300_000}
)

type machine struct {
	state  *channel.State
	copied *channel.State
	model  *model
	now    int64
	minted int
	told   []channel.Position // positions that readers may come back with
}

func (m *machine) publish(t *rapid.T) {
	id := rapid.SampledFrom(idNames).Draw(t, "id")
	if rapid.Bool().Draw(t, "fresh") {
		m.minted++
		id = fmt.Sprint("m", m.minted)
	}
	m.advance(t, channel.Publish{
		Channel: room(rapid.SampledFrom(channelNames).Draw(t, "channel")), ID: id, Event: "e",
		Data: []byte(rapid.StringN(0, 8, 8).Draw(t, "data")), ClientID: drawPublisher(t), Retention: drawTightRetention(t),
	})
}

// drawPublisher draws the client id of who publishes, or none.
func drawPublisher(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "ada"}).Draw(t, "publisher")
}

// drawTightRetention draws bounds that matter to a handful of publications.
func drawTightRetention(t *rapid.T) channel.Retention {
	return channel.Retention{
		Messages: rapid.IntRange(0, 6).Draw(t, "messages"), Bytes: rapid.IntRange(0, 60).Draw(t, "bytes"),
		Age: milliseconds(rapid.SampledFrom(ages).Draw(t, "age")),
	}
}

// importSome brings publications of another cluster, whose clock is not ours.
func (m *machine) importSome(t *rapid.T) {
	publications := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) channel.Imported {
		return channel.Imported{
			ID: rapid.SampledFrom([]string{"i1", "i2", "i3", "j1", "j2"}).Draw(t, "id"), Event: "e", Data: []byte("1"),
			ClientID: drawPublisher(t), Timestamp: m.now + rapid.SampledFrom(spans).Draw(t, "ahead") - 120_000,
		}
	}), 0, 4).Draw(t, "publications")
	m.advance(t, channel.Import{
		Channel:   room(rapid.SampledFrom(channelNames).Draw(t, "channel")),
		Retention: drawTightRetention(t), Publications: publications,
	})
}

func (m *machine) presence(t *rapid.T) {
	id := room(rapid.SampledFrom(channelNames).Draw(t, "channel"))
	client, session := rapid.SampledFrom(clientNames).Draw(t, "client"), rapid.SampledFrom(sessionNames).Draw(t, "session")
	generation := rapid.Uint64Range(1, 3).Draw(t, "generation")
	if rapid.Bool().Draw(t, "leave") {
		m.advance(t, channel.LeavePresence{
			Channel: id, ClientID: client, Session: session, Generation: generation, Final: rapid.Bool().Draw(t, "final"),
		})
		return
	}
	m.advance(t, channel.EnterPresence{
		Channel: id, ClientID: client, Session: session, Generation: generation,
		Data: []byte(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "data")), Max: rapid.IntRange(0, 3).Draw(t, "max"),
		Attempt: rapid.Uint64Range(0, 2).Draw(t, "attempt"),
	})
}

func (m *machine) hooks(t *rapid.T) {
	if len(m.model.hooks) > 0 && rapid.IntRange(0, 2).Draw(t, "announce") == 0 {
		numbers := rapid.SliceOfN(rapid.Uint64Range(1, uint64(len(m.model.hooks))+1), 0, 3).Draw(t, "numbers")
		m.advance(t, channel.Announced{Hooks: numbers})
		return
	}
	m.advance(t, channel.Occupy{
		Channel:  room(rapid.SampledFrom(channelNames).Draw(t, "channel")),
		ClientID: rapid.SampledFrom([]string{"", "ada"}).Draw(t, "client"), Present: rapid.Bool().Draw(t, "present"),
	})
}

func (m *machine) session(t *rapid.T) {
	id := rapid.SampledFrom(sessionNames).Draw(t, "session")
	generation := rapid.Uint64Range(0, 3).Draw(t, "generation")
	if known := m.model.sessions[id]; known != nil && rapid.IntRange(0, 3).Draw(t, "stale") > 0 {
		generation = known.Generation
	}
	names := rapid.SliceOfDistinct(rapid.SampledFrom(channelNames), rapid.ID[string]).Draw(t, "names")
	switch rapid.SampledFrom([]string{"attach", "attach", "update", "update", "detach", "end", "cleared"}).Draw(t, "kind") {
	case "attach":
		m.advance(t, channel.AttachSession{
			App: "app", Session: id, SecretHash: [32]byte{rapid.SampledFrom([]byte{1, 1, 1, 2}).Draw(t, "secret")},
			ClientID: rapid.SampledFrom([]string{"ada", "ada", "ada", "bob"}).Draw(t, "client"),
			Edge:     rapid.Uint64Range(1, 2).Draw(t, "edge"), Create: rapid.Bool().Draw(t, "create"),
			Attempt: rapid.Uint64Range(0, 2).Draw(t, "attempt"),
		})
	case "update":
		m.advance(t, channel.UpdateSession{
			App: "app", Session: id, Generation: generation, Expires: 7, Channels: subscriptions(names), Presence: names,
		})
	case "detach":
		m.advance(t, channel.DetachSession{App: "app", Session: id, Generation: generation})
	case "end":
		m.advance(t, channel.EndSession{App: "app", Session: id, Generation: generation})
	case "cleared":
		m.advance(t, channel.PresenceCleared{App: "app", Session: id, Generation: generation, Channels: names})
	}
}

// advance lets some time pass, and applies the command.
func (m *machine) advance(t *rapid.T, command channel.Command) {
	m.now += rapid.SampledFrom(spans).Draw(t, "span")
	m.apply(t, command)
}

// apply applies the command to the state, its copy and the model.
func (m *machine) apply(t *rapid.T, command channel.Command) {
	m.model.effects = nil
	if command == (channel.RestartGrace{}) {
		m.model.restartGrace(m.now)
	}
	m.model.advance(m.now)
	results, effects := m.state.Apply(m.now, []channel.Command{command})
	want := m.model.apply(command, m.epoch(command))
	got := showResult(results[0]) + showEffects(effects)
	if want := showResult(want) + showEffects(m.model.effects); got != want {
		t.Fatalf("%+v\ngot  %swant %s", command, got, want)
	}
	// The copy learns of the command from the log.
	batch, err := channel.DecodeBatch(channel.AppendBatch(nil, channel.Batch{Now: m.now, Commands: []channel.Command{command}}))
	if err != nil {
		t.Fatal(err)
	}
	results, effects = m.copied.Apply(batch.Now, batch.Commands)
	if copied := showResult(results[0]) + showEffects(effects); copied != got {
		t.Fatalf("%+v\ngot       %sthe copy  %s", command, got, copied)
	}
	if results[0].Position != (channel.Position{}) {
		m.told = append(m.told, results[0].Position)
	}
}

// epoch is the state's epoch for the channel of the command.
func (m *machine) epoch(command channel.Command) channel.Epoch {
	var id channel.ID
	switch c := command.(type) {
	case channel.Publish:
		id = c.Channel
	case channel.Import:
		id = c.Channel
	case channel.EnterPresence:
		id = c.Channel
	}
	info, _ := m.state.Info(id)
	return info.Position.Epoch
}

// read compares what a reader gets who comes with a position that somebody was told, or begins anew.
func (m *machine) read(t *rapid.T) {
	name := rapid.SampledFrom(channelNames).Draw(t, "channel")
	info, _ := m.state.Info(room(name))
	m.told = append(m.told, info.Position)
	start := channel.Start{Rewind: rapid.IntRange(0, 5).Draw(t, "rewind")}
	if rapid.IntRange(0, 3).Draw(t, "new") > 0 {
		since := rapid.SampledFrom(m.told).Draw(t, "since")
		since.Offset += rapid.SampledFrom([]uint64{0, 0, 0, 1, 7}).Draw(t, "beyond")
		start.Since = &since
	}
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	got := showBacklog(m.state.Backlog(room(name), start, limit))
	if want := showBacklog(m.model.backlog(name, start, limit, info.Position.Epoch)); got != want {
		t.Fatalf("%s %+v limit %d\ngot  %s\nwant %s", name, start, limit, got, want)
	}
}

// snapshot begins the copy anew.
func (m *machine) snapshot(t *rapid.T) {
	restored, err := channel.RestoreSnapshot(channel.AppendSnapshot(nil, m.copied))
	if err != nil {
		t.Fatal(err)
	}
	m.copied = restored
}

// check compares all that can be read of the state.
func (m *machine) check(t *rapid.T) {
	var usage channel.Usage
	for _, name := range channelNames {
		m.checkChannel(t, name, &usage)
	}
	for _, id := range sessionNames {
		record, found := m.state.Session("app", id)
		known := m.model.sessions[id]
		if want := known != nil && !known.ended; found != want {
			t.Fatalf("session %s found %t, want %t", id, found, want)
		}
		if found && showSession(record) != showSession(known.Session) {
			t.Fatalf("session\ngot  %s\nwant %s", showSession(record), showSession(known.Session))
		}
	}
	if got, want := m.state.Edges(), m.model.edges(); !slices.Equal(got, want) {
		t.Fatalf("sessions are attached to %v, want %v", got, want)
	}
	m.checkEachMember(t)
	after := rapid.Uint64Range(0, 5).Draw(t, "after")
	want := slices.DeleteFunc(m.model.waitingHooks(), func(one channel.Hook) bool { return one.Number <= after })
	if got := m.copied.HooksAfter(after, 1000); !slices.Equal(got, want) {
		t.Fatalf("hooks\ngot  %+v\nwant %+v", got, want)
	}
	usage.Sessions = len(m.model.sessions)
	if m.state.Usage() != usage {
		t.Fatalf("usage\ngot  %+v\nwant %+v", m.state.Usage(), usage)
	}
	same := bytes.Equal(channel.AppendSnapshot(nil, m.state), channel.AppendSnapshot(nil, m.copied))
	if !same || m.state.Hash() != m.copied.Hash() {
		t.Fatal("the copy has become another state")
	}
	at, due := m.state.NextDeadline()
	if want := m.model.nextDeadline(); want != never && (!due || at > want) {
		t.Fatalf("deadline %d (%t), something falls due at %d", at, due, want)
	}
}

func (m *machine) checkChannel(t *rapid.T, name string, usage *channel.Usage) {
	info, held := m.state.Info(room(name))
	for _, past := range m.model.past[name] {
		if past.Generation == info.Position.Epoch.Generation && compareEpochs(info.Position.Epoch, past) <= 0 {
			t.Fatalf("channel %s: epoch %s after %s", name, info.Position.Epoch, past)
		}
	}
	known := m.model.channels[name]
	switch {
	case held != (known != nil && known.until == 0):
		t.Fatalf("channel %s held %t, the model has %+v", name, held, known)
	case known == nil:
		return
	case !held:
		usage.Tombstones++
		return
	}
	want := channel.Info{
		Name: name, Position: channel.Position{Epoch: known.epoch, Offset: uint64(len(known.all))},
		Messages: len(known.all) - known.evicted, Members: len(known.members), Users: known.users(),
		Version: known.version,
	}
	for _, p := range known.all[known.evicted:] {
		want.Bytes += len(p.ID) + len(p.Event) + len(p.Data)
	}
	if info != want {
		t.Fatalf("channel\ngot  %+v\nwant %+v", info, want)
	}
	m.checkHistory(t, name, known)
	if members, _ := m.state.Members(room(name)); fmt.Sprint(members) != fmt.Sprint(known.sortedMembers()) {
		t.Fatalf("members of %s\ngot  %v\nwant %v", name, members, known.sortedMembers())
	}
	usage.Channels++
	usage.Publications += want.Messages
	usage.Bytes += want.Bytes
	usage.Members += want.Members
	usage.DedupeIDs += len(known.all) - known.unseen
}

// checkEachMember compares who entered a while ago.
func (m *machine) checkEachMember(t *rapid.T) {
	before := m.now - 5_000
	var got, want []string
	m.copied.EachMember(before, func(id channel.ID, one channel.Member, generation uint64) bool {
		got = append(got, fmt.Sprint(id.Name, one, generation))
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(m.model.channels)) {
		known := m.model.channels[name]
		for _, one := range known.sortedMembers() {
			if kept := known.members[one.ClientID+"/"+one.Session]; kept.since < before {
				want = append(want, fmt.Sprint(name, one, kept.generation))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("members since before %d\ngot  %v\nwant %v", before, got, want)
	}
}

func (m *machine) checkHistory(t *rapid.T, name string, known *modelChannel) {
	kept := slices.Clone(known.all[known.evicted:])
	forward := m.state.History(room(name), channel.HistoryQuery{Limit: 1000, Forward: true})
	if showPublications(forward.Publications) != showPublications(kept) {
		t.Fatalf("history of %s: %s, want %s", name, showPublications(forward.Publications), showPublications(kept))
	}
	slices.Reverse(kept)
	backward := m.state.History(room(name), channel.HistoryQuery{Limit: 1000})
	if showPublications(backward.Publications) != showPublications(kept) {
		t.Fatalf("history of %s, newest first: %s, want %s",
			name, showPublications(backward.Publications), showPublications(kept))
	}
}

// TestChannelsPaged pages through the channels of an app and meets each once, in order.
func TestChannelsPaged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.MapOf(rapid.StringMatching(`[ab]{1,4}`), rapid.Bool()).Draw(t, "names")
		s := channel.NewState(1)
		for name := range names {
			s.Apply(1, []channel.Command{
				channel.Publish{Channel: room(name), ID: "x", Retention: channel.DefaultRetention},
				channel.Publish{Channel: channel.ID{App: "other", Name: name}, ID: "x", Retention: channel.DefaultRetention},
			})
		}
		var met []string
		for after := ""; ; after = met[len(met)-1] {
			page := s.Channels("app", "", after, rapid.IntRange(1, 3).Draw(t, "limit"))
			if len(page) == 0 {
				break
			}
			for _, info := range page {
				met = append(met, info.Name)
			}
		}
		if want := slices.Sorted(maps.Keys(names)); !slices.Equal(met, want) {
			t.Fatalf("met %v, want %v", met, want)
		}
	})
}

// TestDedupeBound keeps no more than the latest ids.
func TestDedupeBound(t *testing.T) {
	s := channel.NewState(1)
	publish := func(i int) channel.Result {
		results, _ := s.Apply(1, []channel.Command{channel.Publish{Channel: room("a"), ID: fmt.Sprint(i)}})
		return results[0]
	}
	for i := range channel.MaxDedupeIDs + 1 {
		publish(i)
	}
	if got := s.Usage().DedupeIDs; got != channel.MaxDedupeIDs {
		t.Fatalf("%d ids are remembered, want %d", got, channel.MaxDedupeIDs)
	}
	if again := publish(1); !again.Duplicate || again.Position.Offset != 2 {
		t.Errorf("the oldest id that is remembered: %+v, want the duplicate of offset 2", again)
	}
	if again := publish(0); again.Duplicate {
		t.Errorf("an id beyond the bound: %+v, want a new publication", again)
	}
}

// TestDepartureBound forgets the oldest departures first.
func TestDepartureBound(t *testing.T) {
	s := channel.NewState(1)
	session := func(i int) string { return fmt.Sprint("s", i) }
	for i := range channel.MaxDepartures + 1 {
		leave := channel.LeavePresence{Channel: room("a"), ClientID: "ada", Session: session(i), Generation: 1, Final: true}
		s.Apply(1, []channel.Command{leave})
	}
	enter := func(i int) error {
		results, _ := s.Apply(2, []channel.Command{
			channel.EnterPresence{Channel: room("a"), ClientID: "ada", Session: session(i), Generation: 1},
		})
		return results[0].Err
	}
	if err := enter(1); !errors.Is(err, channel.ErrGeneration) {
		t.Errorf("the oldest departure that is remembered: %v, want ErrGeneration", err)
	}
	if err := enter(0); err != nil {
		t.Errorf("a departure beyond the bound: %v, want none", err)
	}
}

// TestHookBound lets the oldest hooks go first: those of an app that has many, before those of others.
func TestHookBound(t *testing.T) {
	s := channel.NewState(1)
	occupy := func(app string, i int) {
		s.Apply(1, []channel.Command{channel.Occupy{Channel: channel.ID{App: app, Name: fmt.Sprint(i)}, Present: true}})
	}
	occupy("small", 0)
	for i := range channel.MaxHooksOfApp + 2 {
		occupy("large", i)
	}
	kept := s.HooksAfter(0, channel.MaxHooks)
	if len(kept) != channel.MaxHooksOfApp+1 || kept[0].Channel.App != "small" || kept[1].Channel.Name != "2" {
		t.Fatalf("%d hooks are kept, the first are %+v", len(kept), kept[:2])
	}
	for i := range channel.MaxHooks {
		occupy(fmt.Sprint("app", i), i)
	}
	kept = s.HooksAfter(0, 2*channel.MaxHooks)
	if len(kept) != channel.MaxHooks || kept[0].Channel.App != "app0" {
		t.Errorf("%d hooks are kept, the first is %+v", len(kept), kept[0])
	}
	if _, lost := s.WaitingHooks(); lost != 2+1+channel.MaxHooksOfApp {
		t.Errorf("%d were let go of", lost)
	}
}

// TestUnknownCommand says what a broken host meets.
func TestUnknownCommand(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a nil command was applied")
		}
	}()
	channel.NewState(1).Apply(1, []channel.Command{nil})
}
