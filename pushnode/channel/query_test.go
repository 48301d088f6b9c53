package channel_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

var queryCoding = coding[channel.Query]{append: channel.AppendQuery, decode: channel.DecodeQuery, draw: drawQuery}

// queries draws any query, with any field.
var queries = []func(*rapid.T) channel.Query{
	func(t *rapid.T) channel.Query {
		return channel.BacklogQuery{
			Channel: drawID(t),
			Start:   channel.Start{Since: drawMaybe(t, "since", drawPosition), Rewind: rapid.Int().Draw(t, "rewind")},
			Limit:   rapid.Int().Draw(t, "limit"),
		}
	},
	func(t *rapid.T) channel.Query {
		return channel.HistoryQuery{
			Channel: drawID(t), Limit: rapid.Int().Draw(t, "limit"), Forward: rapid.Bool().Draw(t, "forward"),
			Since: drawMaybe(t, "since", drawPosition),
		}
	},
	func(t *rapid.T) channel.Query { return channel.MembersQuery{Channel: drawID(t)} },
	func(t *rapid.T) channel.Query { return channel.InfoQuery{Channel: drawID(t)} },
	func(t *rapid.T) channel.Query { return channel.HoldsQuery{Channel: drawID(t)} },
	func(t *rapid.T) channel.Query {
		return channel.ChannelsQuery{
			App: drawText().Draw(t, "app"), Prefix: drawText().Draw(t, "prefix"), After: drawText().Draw(t, "after"),
			Limit: rapid.Int().Draw(t, "limit"),
		}
	},
	func(*rapid.T) channel.Query { return channel.CountQuery{} },
	func(t *rapid.T) channel.Query {
		return channel.SessionsQuery{App: drawText().Draw(t, "app"), ClientID: drawText().Draw(t, "client")}
	},
	func(t *rapid.T) channel.Query {
		return channel.AliveQuery{App: drawText().Draw(t, "app"), Sessions: drawTexts(t, "sessions")}
	},
}

func drawQuery(t *rapid.T) channel.Query { return rapid.SampledFrom(queries).Draw(t, "kind")(t) }

func TestQueryRoundTrip(t *testing.T) { queryCoding.roundTrip(t) }

func FuzzDecodeQuery(f *testing.F) { queryCoding.fuzz(f) }

func TestQueryBytes(t *testing.T) {
	id := channel.ID{App: "a", Name: "b"}
	since := channel.Position{Epoch: channel.Epoch{Cluster: 1, Generation: 2, Incarnation: 3}, Offset: 4}
	for want, query := range map[string]channel.Query{
		"01" + "0161" + "0162" + "01" + "0100000000000000" + "02" + "03" + "04" + "0a" + "0c": channel.BacklogQuery{
			Channel: id, Start: channel.Start{Since: &since, Rewind: 5}, Limit: 6,
		},
		"02" + "0161" + "0162" + "0c" + "01" + "00": channel.HistoryQuery{Channel: id, Limit: 6, Forward: true},
		"03" + "0161" + "0162":                      channel.MembersQuery{Channel: id},
		"04" + "0161" + "0162":                      channel.InfoQuery{Channel: id},
		"05" + "0161" + "0162":                      channel.HoldsQuery{Channel: id},
		"06" + "0161" + "0162" + "0163" + "0c":      channel.ChannelsQuery{App: "a", Prefix: "b", After: "c", Limit: 6},
		"07":                                        channel.CountQuery{},
		"08" + "0161" + "0162":                      channel.SessionsQuery{App: "a", ClientID: "b"},
		"09" + "0161" + "02" + "0162" + "0163":      channel.AliveQuery{App: "a", Sessions: []string{"b", "c"}},
	} {
		queryCoding.pinned(t, query, want)
	}
}

func TestQueryRefused(t *testing.T) {
	queryCoding.refused(t, map[string]string{
		"nothing":                      "",
		"a kind of zero":               "00",
		"an unknown kind":              "0a",
		"a presence of two":            "02" + "0000" + "00" + "00" + "02",
		"a generation above 32 bits":   "02" + "0000" + "00" + "00" + "01" + "0000000000000000" + "ffffffffff01" + "0000",
		"more sessions than bytes":     "09" + "00" + "ff01",
		"a text longer than the query": "08" + "09",
		"something after the end":      "0700",
	})
	queryCoding.bounded(t, "09"+"00")
}

// TestAnswers holds that each query is answered as by the method of the state that it stands for.
func TestAnswers(t *testing.T) {
	s := full()
	s.Apply(s.Now(), []channel.Command{
		channel.AttachSession{App: "app", Session: "s3", ClientID: "ada", Edge: 8, Create: true},
		channel.AttachSession{App: "app", Session: "s2", ClientID: "bob", Edge: 8, Create: true},
		channel.AttachSession{App: "other", Session: "s4", ClientID: "ada", Edge: 8, Create: true},
		channel.AttachSession{App: "app", Session: "s5", ClientID: "ada", Edge: 8, Create: true},
		channel.UpdateSession{App: "app", Session: "s5", Generation: 1, Presence: []string{"room"}},
		channel.EndSession{App: "app", Session: "s5"}, // and is kept until its presence is cleared
		channel.Publish{Channel: channel.ID{App: "aaa", Name: "x"}, ID: "x", Retention: channel.DefaultRetention},
	})
	id := room("room")
	info, held := s.Info(id)
	members, version := s.Members(id)
	s1 := channel.LiveSession{ID: "s1", Generation: 1, Edge: 9}
	s2 := channel.LiveSession{ID: "s2", Generation: 1, Edge: 8, Attached: true}
	s3 := channel.LiveSession{ID: "s3", Generation: 1, Edge: 8, Attached: true}
	start, page := channel.Start{Rewind: 1}, channel.HistoryQuery{Channel: id, Limit: 1}
	for _, one := range []struct {
		query channel.Query
		want  channel.Answer
	}{
		{channel.BacklogQuery{Channel: id, Start: start, Limit: 5}, s.Backlog(id, start, 5)},
		{page, s.History(id, page)},
		{channel.MembersQuery{Channel: id}, channel.MemberSet{Members: members, Version: version}},
		{channel.InfoQuery{Channel: id}, channel.InfoAnswer{Info: info, Held: held}},
		{channel.HoldsQuery{Channel: id}, channel.Held(true)},
		{channel.HoldsQuery{Channel: room("nowhere")}, channel.Held(false)},
		{channel.ChannelsQuery{App: "app", Prefix: "r", Limit: 5}, channel.ChannelList{info}},
		{channel.CountQuery{}, channel.Counts{{App: "aaa", Channels: 1}, {App: "app", Channels: 1}}},
		{channel.SessionsQuery{App: "app", ClientID: "ada"}, channel.LiveSessions{s1, s3}},
		{channel.SessionsQuery{App: "app", ClientID: "eve"}, channel.LiveSessions(nil)},
		{channel.AliveQuery{App: "app", Sessions: []string{"s3", "s5", "s2", "s9", "s4"}}, channel.LiveSessions{s3, s2}},
	} {
		got := s.Answer(one.query)
		if !reflect.DeepEqual(got, one.want) {
			t.Errorf("%+v\ngot  %+v\nwant %+v", one.query, got, one.want)
		}
		decoded, err := channel.DecodeAnswer(channel.AppendAnswer(nil, got))
		if err != nil || !reflect.DeepEqual(decoded, got) {
			t.Errorf("%+v\nsent     %+v\nreceived %+v, %v", one.query, got, decoded, err)
		}
	}
}

// TestSuits holds what every query is answered with against all that it is not.
func TestSuits(t *testing.T) {
	t.Parallel()
	all := []channel.Answer{
		channel.Backlog{}, channel.HistoryPage{}, channel.InfoAnswer{}, channel.Held(false), channel.ChannelList{}, channel.MemberSet{},
		channel.Counts{}, channel.LiveSessions{}, nil,
	}
	rapid.Check(t, func(t *rapid.T) {
		query := drawQuery(t)
		own := channel.NewState(1).Answer(query)
		if !channel.Suits(query, own) {
			t.Fatalf("its own answer, a %T, does not suit a %T", own, query)
		}
		for _, other := range all {
			if reflect.TypeOf(other) != reflect.TypeOf(own) && channel.Suits(query, other) {
				t.Fatalf("a %T suits a %T", other, query)
			}
		}
	})
}
