package channel_test

import (
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

var answerCoding = coding[channel.Answer]{append: channel.AppendAnswer, decode: channel.DecodeAnswer, draw: drawAnswer}

// answers draws any answer, with any field.
var answers = []func(*rapid.T) channel.Answer{
	func(t *rapid.T) channel.Answer {
		return channel.Backlog{
			Gap: drawMaybe(t, "gap", drawGap), From: drawPosition(t), Publications: drawList(t, "publications", drawPublication),
			Position: drawPosition(t), Head: drawPosition(t),
		}
	},
	func(t *rapid.T) channel.Answer {
		return channel.HistoryPage{
			Epoch: drawEpoch(t), Publications: drawList(t, "publications", drawPublication),
			From: rapid.Uint64().Draw(t, "from"), More: rapid.Bool().Draw(t, "more"), Gap: drawMaybe(t, "gap", drawGap),
		}
	},
	func(t *rapid.T) channel.Answer {
		return channel.InfoAnswer{
			Info: drawInfo(t), Held: rapid.Bool().Draw(t, "held"), Queued: rapid.IntRange(0, 1<<32-1).Draw(t, "queued"),
		}
	},
	func(t *rapid.T) channel.Answer { return channel.Held(rapid.Bool().Draw(t, "held")) },
	func(t *rapid.T) channel.Answer { return channel.ChannelList(drawList(t, "channels", drawInfo)) },
	func(t *rapid.T) channel.Answer {
		return channel.MemberSet{Members: drawList(t, "members", drawMember), Version: rapid.Uint64().Draw(t, "version")}
	},
	func(t *rapid.T) channel.Answer {
		return channel.Counts(drawList(t, "counts", func(t *rapid.T) channel.AppCount {
			return channel.AppCount{App: drawText().Draw(t, "app"), Channels: rapid.Int().Draw(t, "channels")}
		}))
	},
	func(t *rapid.T) channel.Answer {
		return channel.LiveSessions(drawList(t, "sessions", func(t *rapid.T) channel.LiveSession {
			return channel.LiveSession{
				ID: drawText().Draw(t, "id"), Generation: rapid.Uint64().Draw(t, "generation"),
				Edge: rapid.Uint64().Draw(t, "edge"), Attached: rapid.Bool().Draw(t, "attached"),
			}
		}))
	},
}

func drawInfo(t *rapid.T) channel.Info {
	return channel.Info{
		Name: drawText().Draw(t, "name"), Position: drawPosition(t), Messages: rapid.Int().Draw(t, "messages"),
		Bytes: rapid.Int().Draw(t, "bytes"), Members: rapid.Int().Draw(t, "members"), Users: rapid.Int().Draw(t, "users"),
		Version: rapid.Uint64().Draw(t, "version"),
	}
}

func drawAnswer(t *rapid.T) channel.Answer { return rapid.SampledFrom(answers).Draw(t, "kind")(t) }

func TestAnswerRoundTrip(t *testing.T) { answerCoding.roundTrip(t) }

func FuzzDecodeAnswer(f *testing.F) { answerCoding.fuzz(f) }

func TestAnswerBytes(t *testing.T) {
	epoch := channel.Epoch{Cluster: 1, Generation: 2, Incarnation: 3}
	at := func(offset uint64) channel.Position { return channel.Position{Epoch: epoch, Offset: offset} }
	info := channel.Info{Name: "a", Position: at(4), Messages: 1, Bytes: 2, Members: 3, Users: 2, Version: 4, Subscribers: 9}
	publications := []*channel.Publication{{ID: "a", Offset: 5, Event: "b", Data: []byte("c"), Exclude: "d", ClientID: "e", Time: 6}}
	const epochBytes, publicationBytes = "0100000000000000" + "02" + "03", "05" + "0161" + "0162" + "0163" + "0164" + "0165" + "0c"
	const infoBytes = "0161" + epochBytes + "04" + "02" + "04" + "06" + "04" + "04" + "09"
	const backlogBytes = "01" + "00" + "07" + "08" + epochBytes + "04" + "01" + publicationBytes + epochBytes + "05" + epochBytes + "06"
	for want, answer := range map[string]channel.Answer{
		"01" + backlogBytes: channel.Backlog{
			Gap: &channel.Gap{Reason: channel.ReasonEvicted, From: 7, To: 8}, From: at(4), Publications: publications,
			Position: at(5), Head: at(6),
		},
		"02" + epochBytes + "01" + publicationBytes + "04" + "01" + "00": channel.HistoryPage{
			Epoch: epoch, Publications: publications, From: 4, More: true,
		},
		"03" + infoBytes + "01":        channel.InfoAnswer{Info: info, Held: true},
		"09" + infoBytes + "01" + "05": channel.InfoAnswer{Info: info, Held: true, Queued: 5},
		"04" + "01":                    channel.Held(true),
		"05" + "01" + infoBytes:        channel.ChannelList{info},
		"06" + "01" + "0161" + "0162" + "0163" + "04": channel.MemberSet{
			Members: []channel.Member{{ClientID: "a", Session: "b", Data: []byte("c")}}, Version: 4,
		},
		"07" + "01" + "0161" + "04": channel.Counts{{App: "a", Channels: 2}},
		"08" + "01" + "0161" + "02" + "0300000000000000" + "01": channel.LiveSessions{
			{ID: "a", Generation: 2, Edge: 3, Attached: true},
		},
	} {
		answerCoding.pinned(t, answer, want)
	}
}

func TestAnswerRefused(t *testing.T) {
	answerCoding.refused(t, map[string]string{
		"nothing":                 "",
		"a kind of zero":          "00",
		"an unknown kind":         "09",
		"an unknown reason":       "01" + "01" + "05" + "0000",
		"a bool of two":           "0402",
		"more items than bytes":   "07" + "02" + "0000",
		"something after the end": "040000",
	})
	const position = "0000000000000000" + "00" + "00" + "00"
	answerCoding.bounded(t, "01"+"00"+position, "02"+position[:20], "05", "06", "07", "08")
}
