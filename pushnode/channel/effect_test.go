package channel_test

import (
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

var effectCoding = coding[[]channel.Effect]{append: channel.AppendEffects, decode: channel.DecodeEffects, draw: drawEffects}

// effects draws any effect, with any field.
var effects = []func(*rapid.T) channel.Effect{
	func(t *rapid.T) channel.Effect {
		return channel.Published{Channel: drawID(t), Epoch: drawEpoch(t), Publication: drawPublication(t)}
	},
	func(t *rapid.T) channel.Effect {
		return channel.PresenceChanged{
			Channel: drawID(t), Member: drawMember(t), Only: rapid.Bool().Draw(t, "only"),
			Version: rapid.Uint64().Draw(t, "version"),
			Action: rapid.SampledFrom([]channel.Action{
				channel.ActionEnter, channel.ActionUpdate, channel.ActionLeave,
			}).Draw(t, "action"),
		}
	},
	func(t *rapid.T) channel.Effect {
		return channel.PresenceDue{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"), ClientID: drawText().Draw(t, "client"),
			Generation: rapid.Uint64().Draw(t, "generation"), Channels: drawTexts(t, "channels"),
		}
	},
	func(t *rapid.T) channel.Effect {
		return channel.SessionEnded{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"), Edge: rapid.Uint64().Draw(t, "edge"),
		}
	},
	func(t *rapid.T) channel.Effect {
		return channel.SessionMoved{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"), From: rapid.Uint64().Draw(t, "from"), To: rapid.Uint64().Draw(t, "to"),
		}
	},
}

func drawEffects(t *rapid.T) []channel.Effect {
	return drawList(t, "effects", func(t *rapid.T) channel.Effect { return rapid.SampledFrom(effects).Draw(t, "kind")(t) })
}

func TestEffectsRoundTrip(t *testing.T) { effectCoding.roundTrip(t) }

func FuzzDecodeEffects(f *testing.F) { effectCoding.fuzz(f) }

func TestEffectsBytes(t *testing.T) {
	id := channel.ID{App: "a", Name: "b"}
	epoch := channel.Epoch{Cluster: 1, Generation: 2, Incarnation: 3}
	effectCoding.pinned(t, []channel.Effect{
		channel.Published{
			Channel: id, Epoch: epoch, Publication: &channel.Publication{ID: "c", Offset: 4, Data: []byte("1"), ClientID: "d", Time: 5},
		},
		channel.PresenceChanged{
			Channel: id, Action: channel.ActionLeave, Member: channel.Member{ClientID: "c", Session: "d"}, Only: true, Version: 6,
		},
		channel.PresenceDue{App: "a", Session: "b", ClientID: "c", Generation: 7, Channels: []string{"d"}},
		channel.SessionEnded{App: "a", Session: "b", Edge: 8},
		channel.SessionMoved{App: "a", Session: "b", Generation: 9, From: 10, To: 11},
	}, "05"+
		"01"+"0161"+"0162"+"0100000000000000"+"02"+"03"+"04"+"0163"+"00"+"0131"+"00"+"0164"+"0a"+
		"02"+"0161"+"0162"+"02"+"0163"+"0164"+"00"+"01"+"06"+
		"03"+"0161"+"0162"+"07"+"0163"+"01"+"0164"+
		"04"+"0161"+"0162"+"0800000000000000"+
		"05"+"0161"+"0162"+"09"+"0a00000000000000"+"0b00000000000000")
}

func TestEffectsRefused(t *testing.T) {
	effectCoding.refused(t, map[string]string{
		"nothing":                 "",
		"a kind of zero":          "01" + "00" + "0000",
		"an unknown kind":         "01" + "06" + "0000",
		"an unknown action":       "01" + "02" + "0000" + "03" + "000000" + "00" + "00",
		"more effects than bytes": "02" + "0400",
		"something after the end": "0000",
	})
	effectCoding.bounded(t, "", "01"+"03"+"0000"+"00"+"00")
}
