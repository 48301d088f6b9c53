package history_test

import (
	"strings"
	"testing"
	"time"

	"halley/cmd/halley/verify/history"
)

func begin() *story { return new(story).attach("s", "a", 0) }

// What a service that keeps its promises may show.
func TestSoundHistories(t *testing.T) {
	for name, s := range map[string]*story{
		"nothing":                     {},
		"two in row":                  begin().publish(1).deliver("s", 1).publish(2).deliver("s", 2),
		"delivered before the answer": begin().invoke("m1").deliver("s", 1).ok("m1", "a", 1),
		"side by side, in any order":  begin().invoke("m2").invoke("m1").ok("m2", "a", 2).deliver("s", 1).ok("m1", "a", 1).deliver("s", 2),
		"fate unknown, and there": begin().invoke("m1").
			add(history.Event{Kind: history.Unknown, Channel: "c", ID: "m1"}).deliver("s", 1),
		"fate unknown, and not there": begin().invoke("x").
			add(history.Event{Kind: history.Unknown, Channel: "c", ID: "x"}).publish(1).deliver("s", 1),
		"refused": begin().invoke("x").add(history.Event{Kind: history.Refused, Channel: "c", ID: "x"}),
		"repeated": begin().publish(1).deliver("s", 1).add(history.Event{Kind: history.Retry, Channel: "c", ID: "m1"}).
			add(history.Event{Kind: history.OK, Channel: "c", ID: "m1", Epoch: "a", Offset: 1, Copies: 3, Duplicate: true}),
		"first answer lost": begin().invoke("m1").add(history.Event{Kind: history.Retry, Channel: "c", ID: "m1"}).
			add(history.Event{Kind: history.OK, Channel: "c", ID: "m1", Epoch: "a", Offset: 1, Copies: 2, Duplicate: true}).deliver("s", 1),
		"repeated amid a fault": begin().publish(1).deliver("s", 1).add(history.Event{Kind: history.Fault, Client: "n1"}).add(history.Event{Kind: history.Retry, Channel: "c", ID: "m1"}).
			add(history.Event{Kind: history.OK, Channel: "c", ID: "m1", Epoch: "a", Offset: 1, Copies: 2}),
		"came back":                  begin().publish(1).deliver("s", 1).publish(2).attach("s", "a", 1).deliver("s", 2),
		"began late":                 new(story).publish(1).attach("s", "a", 1).publish(2).deliver("s", 2),
		"missed, and told":           begin().publish(1).publish(2).publish(3).attach("s", "a", 2).gap("s", "a", 1, 2, "evicted").deliver("s", 3),
		"a new epoch from its start": begin().publish(1).deliver("s", 1).invoke("n").ok("n", "b", 1).message("s", "n", "b", 1),
		"a new epoch that goes on with the numbers": begin().publish(1).deliver("s", 1).publish(2).deliver("s", 2).
			invoke("n").ok("n", "b", 3).message("s", "n", "b", 3),
		"read as delivered": begin().publish(1).deliver("s", 1).
			add(history.Event{Kind: history.Read, Channel: "c", ID: "m1", Epoch: "a", Offset: 1}),
		"from before": new(story).add(history.Event{Kind: history.Earlier, Channel: "c", ID: "m1"}).attach("s", "a", 1).
			add(history.Event{Kind: history.Read, Channel: "c", ID: "m1", Epoch: "a", Offset: 1}),
		"suspended":   begin().add(history.Event{Kind: history.Suspended, Client: "s", Channel: "c"}),
		"member":      new(story).session(history.Connected, "x").session(history.Entered, "x").sees(history.MemberEnter, "x"),
		"short break": member().session(history.Disconnected, "x").wait(10*time.Second).session(history.Connected, "x"),
		"long break": member().session(history.Disconnected, "x").wait(20*time.Second).sees(history.MemberLeave, "x").
			session(history.Connected, "x"),
		"leave that is told late": member().session(history.Disconnected, "x").wait(20*time.Second).session(history.Connected, "x").
			sees(history.MemberLeave, "x"),
		"farewell":         member().session(history.Ended, "x").sees(history.MemberLeave, "x").session(history.Counted, ""),
		"listed at rest":   member().session(history.Present, "x").session(history.Counted, ""),
		"away while at it": member().session(history.Disconnected, "x").session(history.Counted, ""),
	} {
		t.Run(name, func(t *testing.T) { check(t, s, rules) })
	}
}

// member is a story of a session x that everybody takes for a member.
func member() *story {
	return new(story).session(history.Connected, "x").session(history.Entered, "x").sees(history.MemberEnter, "x")
}

// Each way to break a promise, and under what name it is found.
func TestBrokenHistories(t *testing.T) {
	ok := func(id string, offset uint64, copies int, duplicate bool) history.Event {
		return history.Event{Kind: history.OK, Channel: "c", ID: id, Epoch: "a", Offset: offset, Copies: copies, Duplicate: duplicate}
	}
	retry := history.Event{Kind: history.Retry, Channel: "c", ID: "m1"}
	for name, test := range map[string]struct {
		story *story
		want  []history.Class
	}{
		"I1 the last one is not delivered": {begin().publish(1).deliver("s", 1).publish(2), []history.Class{history.Lost}},
		"I1 forged acknowledgement":        {begin().publish(1).deliver("s", 1).invoke("f").ok("f", "a", 9), []history.Class{history.Lost}},
		"I1 only one of two has it":        {begin().attach("r", "a", 0).publish(1).deliver("s", 1), []history.Class{history.Lost}},
		"I1 an epoch is lost": {begin().publish(1).invoke("n").ok("n", "b", 1).message("s", "n", "b", 1),
			[]history.Class{history.Lost}},
		"I1 behind the gap's end": {begin().publish(1).publish(2).publish(3).gap("s", "a", 1, 2, "evicted"), []history.Class{history.Lost}},
		"I1 before the place of a break": {begin().publish(1).publish(2).invoke("n").ok("n", "b", 1).message("s", "m2", "a", 2).
			gap("s", "b", 0, 0, "evicted").message("s", "n", "b", 1), []history.Class{history.Lost, history.SilentGap}},
		"I1 a gap that needs not be": {begin().publish(1).gap("s", "a", 1, 1, "position_ahead"), []history.Class{history.Needless}},
		"I2 two at one position": {begin().publish(1).deliver("s", 1).invoke("f").ok("f", "a", 1),
			[]history.Class{history.Lost, history.Overtaken, history.Reassigned}},
		"I2 one at two positions": {begin().attach("r", "a", 0).publish(1).deliver("s", 1).deliver("r", 1).message("s", "m1", "a", 2),
			[]history.Class{history.Reassigned}},
		"I2 read differs": {begin().publish(1).deliver("s", 1).invoke("x").
			add(history.Event{Kind: history.Read, Channel: "c", ID: "x", Epoch: "a", Offset: 1}),
			[]history.Class{history.Reassigned, history.Overtaken}},
		"I2 invented":          {begin().message("s", "ghost", "a", 1), []history.Class{history.Invented}},
		"I3 one left out":      {begin().publish(1).publish(2).deliver("s", 2), []history.Class{history.Lost, history.SilentGap}},
		"I3 unknown left out":  {begin().invoke("m1").publish(2).deliver("s", 2), []history.Class{history.SilentGap}},
		"I3 swapped":           {begin().publish(1).publish(2).deliver("s", 2).deliver("s", 1), []history.Class{history.Disorder, history.SilentGap}},
		"I3 late in new epoch": {begin().invoke("n").ok("n", "b", 1).invoke("o").ok("o", "b", 2).message("s", "o", "b", 2), []history.Class{history.Lost, history.SilentGap}},
		"I3 left out where a new epoch goes on": {begin().publish(1).deliver("s", 1).invoke("n").ok("n", "b", 3).message("s", "n", "b", 3),
			[]history.Class{history.SilentGap}},
		"I3 gap begins late": {begin().publish(1).publish(2).gap("s", "a", 2, 2, "evicted"), []history.Class{history.Lost, history.SilentGap}},
		"I3 gap leads back": {begin().publish(1).publish(2).deliver("s", 1).deliver("s", 2).gap("s", "a", 1, 1, "evicted"),
			[]history.Class{history.Unreasonable}},
		"I3 hidden gap after a return": {begin().publish(1).deliver("s", 1).publish(2).publish(3).attach("s", "a", 2).deliver("s", 3),
			[]history.Class{history.Lost, history.SilentGap}},
		"I4 twice":              {begin().publish(1).deliver("s", 1).deliver("s", 1), []history.Class{history.Duplicate}},
		"I4 again after return": {begin().publish(1).deliver("s", 1).attach("s", "a", 0).deliver("s", 1), []history.Class{history.Duplicate}},
		"I4 in two epochs, no break told": {begin().publish(1).deliver("s", 1).add(retry).ok("m1", "b", 1).message("s", "m1", "b", 1),
			[]history.Class{history.Duplicate}},
		"I5 overtaken": {begin().publish(2).invoke("m1").ok("m1", "a", 1).deliver("s", 1).deliver("s", 2), []history.Class{history.Overtaken}},
		"I5 overtaken, seen by a subscriber alone": {begin().publish(2).invoke("m1").deliver("s", 1).deliver("s", 2),
			[]history.Class{history.Overtaken}},
		"I6 epoch back for a subscriber": {begin().publish(1).deliver("s", 1).invoke("n").message("s", "n", "b", 1).invoke("m2").
			message("s", "m2", "a", 2), []history.Class{history.EpochBack}},
		"I6 epoch back for a publisher": {new(story).publish(1).invoke("n").ok("n", "b", 1).publish(2), []history.Class{history.EpochBack}},
		"I6 a gap leads to an epoch that is over": {begin().invoke("n").ok("n", "b", 1).message("s", "n", "b", 1).gap("s", "a", 0, 4, "evicted"),
			[]history.Class{history.EpochBack}},
		"I12 one copy":        {begin().invoke("m1").add(ok("m1", 1, 1, false)).deliver("s", 1), []history.Class{history.FewCopies}},
		"I13 refused, there":  {begin().invoke("m1").add(history.Event{Kind: history.Refused, Channel: "c", ID: "m1"}).deliver("s", 1), []history.Class{history.Resurrected}},
		"I18 answer differs":  {begin().publish(1).deliver("s", 1).add(retry).add(ok("m1", 2, 2, true)), []history.Class{history.Doubled, history.Reassigned}},
		"I18 not a duplicate": {begin().publish(1).deliver("s", 1).add(retry).add(ok("m1", 1, 2, false)), []history.Class{history.Doubled}},
		"I18 not a duplicate after a fault": {begin().add(history.Event{Kind: history.Fault}).add(history.Event{Kind: history.Healed}).wait(11*time.Second).
			publish(1).deliver("s", 1).add(retry).add(ok("m1", 1, 2, false)), []history.Class{history.Doubled}},
		"I18 duplicate at once":     {begin().invoke("m1").add(ok("m1", 1, 2, true)).deliver("s", 1), []history.Class{history.Doubled}},
		"I15 leave while connected": {member().sees(history.MemberLeave, "x"), []history.Class{history.Flapped}},
		"I15 leave within grace": {member().session(history.Disconnected, "x").wait(5*time.Second).sees(history.MemberLeave, "x").
			session(history.Connected, "x"), []history.Class{history.Flapped}},
		"I15 leave too early in a long break": {member().session(history.Disconnected, "x").wait(5*time.Second).
			sees(history.MemberLeave, "x").wait(20*time.Second).session(history.Connected, "x"), []history.Class{history.Flapped}},
		"I15 enters twice":                {member().sees(history.MemberEnter, "x"), []history.Class{history.Flapped}},
		"I15 not listed":                  {member().session(history.Counted, ""), []history.Class{history.Forgotten}},
		"I16 ended, listed":               {member().session(history.Ended, "x").session(history.Present, "x"), []history.Class{history.Ghost}},
		"I16 nobody's member":             {new(story).session(history.Present, "y"), []history.Class{history.Ghost}},
		"I17 another session":             {new(story).add(history.Event{Kind: history.Connected, Session: "x", Lost: true}), []history.Class{history.SessionLost}},
		"I19 not well in time":            {new(story).add(history.Event{Kind: history.Trouble, Client: "n1"}), []history.Class{history.Unhealed}},
		"time runs back":                  {&story{events: []history.Event{{At: 2, Kind: history.Healed}, {At: 1, Kind: history.Healed}}}, []history.Class{history.Malformed}},
		"message before the subscription": {new(story).publish(1).deliver("s", 1), []history.Class{history.Malformed}},
		"answer to nothing":               {new(story).ok("m1", "a", 1), []history.Class{history.Malformed}},
	} {
		t.Run(name, func(t *testing.T) {
			result := check(t, test.story, rules, test.want...)
			if invariant, _, _ := strings.Cut(name, " "); strings.HasPrefix(invariant, "I") && !names(result, invariant) {
				t.Errorf("no violation names %s: %v", invariant, result.Violations)
			}
		})
	}
}

// names reports whether a violation is one of that invariant.
func names(result *history.Result, invariant string) bool {
	for _, v := range result.Violations {
		if v.Invariant == invariant && strings.HasPrefix(v.String(), invariant+" ") {
			return true
		}
	}
	return false
}

// Where most copies of something were lost, a gap says so, sessions are others and members come anew. Silence stays forbidden.
func TestHistoriesWithBreaks(t *testing.T) {
	broken := rules
	broken.Breaks, broken.NoGaps = true, false
	lost := history.Event{Kind: history.Connected, Session: "x", Lost: true}
	check(t, begin().publish(1).deliver("s", 1).publish(2).gap("s", "b", 0, 0, "unknown_epoch"), broken)
	check(t, member().add(lost).sees(history.MemberLeave, "x").session(history.Counted, ""), broken)
	check(t, member().sees(history.MemberEnter, "x").session(history.Present, "x").session(history.Counted, ""), broken)
	check(t, begin().publish(1).deliver("s", 1).publish(2).invoke("n").ok("n", "b", 1).message("s", "n", "b", 1), broken, history.Lost)
	check(t, member().add(lost).session(history.Present, "x").session(history.Counted, ""), broken, history.Ghost)
	check(t, member().session(history.Counted, ""), broken, history.Forgotten)
}

// A planned restart must not be noticed at all.
func TestSmoothHistories(t *testing.T) {
	smooth := rules
	smooth.Smooth = true
	refused := history.Event{Kind: history.Error, Client: "s", Reason: "connection refused"}
	check(t, begin().publish(1).add(refused).deliver("s", 1), smooth)
	for name, e := range map[string]history.Event{
		"503":       {Kind: history.Error, Client: "p", Status: 503, Reason: "unavailable"},
		"suspended": {Kind: history.Suspended, Client: "s", Channel: "c"},
		"gap":       {Kind: history.Gap, Client: "s", Channel: "c", Epoch: "a", Reason: "evicted"},
	} {
		t.Run(name, func(t *testing.T) { check(t, begin().add(e), smooth, history.Noticed) })
	}
}

// Of many violations the first are told, and all are counted.
func TestViolationsAreBounded(t *testing.T) {
	s := begin()
	for offset := range uint64(100) {
		s.publish(offset + 1)
	}
	result := check(t, s, rules, history.Lost)
	if result.Counts[history.Lost] != 100 || len(result.Violations) != 10 || result.Violations[0].Offset != 1 {
		t.Errorf("%d counted, %d told", result.Counts[history.Lost], len(result.Violations))
	}
}
