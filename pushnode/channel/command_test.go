package channel_test

import (
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

var commandCoding = coding[channel.Command]{append: channel.AppendCommand, decode: channel.DecodeCommand, draw: drawCommand}

func TestCommandRoundTrip(t *testing.T) { commandCoding.roundTrip(t) }

func FuzzDecodeCommand(f *testing.F) { commandCoding.fuzz(f) }

// commands draws any command, with any field.
var commands = []func(*rapid.T) channel.Command{
	func(*rapid.T) channel.Command { return channel.Advance{} },
	func(t *rapid.T) channel.Command {
		return channel.Publish{
			Channel: drawID(t), ID: drawText().Draw(t, "id"), Event: drawText().Draw(t, "event"), Data: drawData(t),
			Exclude: drawText().Draw(t, "exclude"), ClientID: drawText().Draw(t, "publisher"), Attempt: rapid.Uint32().Draw(t, "attempt"), Retention: drawRetention(t),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.EnterPresence{
			Channel: drawID(t), ClientID: drawText().Draw(t, "client"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"), Data: drawData(t), Max: rapid.Int().Draw(t, "max"),
			Attempt: rapid.Uint64().Draw(t, "attempt"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.LeavePresence{
			Channel: drawID(t), ClientID: drawText().Draw(t, "client"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"),
			Final:      rapid.Bool().Draw(t, "final"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.AttachSession{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			SecretHash: [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret")),
			ClientID:   drawText().Draw(t, "client"), Edge: rapid.Uint64().Draw(t, "edge"),
			Expires: rapid.Int64().Draw(t, "expires"),
			Create:  rapid.Bool().Draw(t, "create"), Attempt: rapid.Uint64().Draw(t, "attempt"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.UpdateSession{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"),
			Expires:    rapid.Int64().Draw(t, "expires"), Channels: subscriptions(drawTexts(t, "channels")),
			Presence: drawTexts(t, "presence"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.DetachSession{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.EndSession{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.PresenceCleared{
			App: drawText().Draw(t, "app"), Session: drawText().Draw(t, "session"),
			Generation: rapid.Uint64().Draw(t, "generation"),
			Channels:   drawTexts(t, "channels"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.BreakEpoch{Generation: rapid.Uint32().Draw(t, "generation"), Whole: rapid.Bool().Draw(t, "whole")}
	},
	func(t *rapid.T) channel.Command { return channel.EdgeLost{Edge: rapid.Uint64().Draw(t, "edge")} },
	func(*rapid.T) channel.Command { return channel.RestartGrace{} },
	func(t *rapid.T) channel.Command {
		return channel.Occupy{
			Channel: drawID(t), ClientID: drawText().Draw(t, "client"), Present: rapid.Bool().Draw(t, "present"),
		}
	},
	func(t *rapid.T) channel.Command {
		return channel.Announced{Hooks: orNil(rapid.SliceOfN(rapid.Uint64(), 0, 3).Draw(t, "hooks"))}
	},
	func(t *rapid.T) channel.Command {
		return channel.Import{Channel: drawID(t), Retention: drawRetention(t), Publications: drawList(t, "imported", drawImported)}
	},
}

func drawImported(t *rapid.T) channel.Imported {
	return channel.Imported{
		ID: drawText().Draw(t, "id"), Event: drawText().Draw(t, "event"), Data: drawData(t),
		Exclude: drawText().Draw(t, "exclude"), ClientID: drawText().Draw(t, "publisher"),
		Timestamp: rapid.Int64().Draw(t, "timestamp"),
	}
}

func drawCommand(t *rapid.T) channel.Command { return rapid.SampledFrom(commands).Draw(t, "kind")(t) }

// TestCommandBytes pins the encoding: a slot's log lives longer than the program of any of its copies.
func TestCommandBytes(t *testing.T) {
	id := channel.ID{App: "a", Name: "b"}
	secret := "0100000000000000000000000000000000000000000000000000000000000000"
	for want, command := range map[string]channel.Command{
		"01": channel.Advance{},
		"02" + "0161" + "0162" + "0163" + "0164" + "0131" + "0165" + "0166" + "02" + "04" + "06" + "05": channel.Publish{
			Channel: id, ID: "c", Event: "d", Data: []byte("1"), Exclude: "e", ClientID: "f",
			Attempt: 5, Retention: channel.Retention{Messages: 1, Bytes: 2, Age: milliseconds(3)},
		},
		"03" + "0161" + "0162" + "0163" + "0164" + "01" + "0131" + "04" + "03": channel.EnterPresence{
			Channel: id, ClientID: "c", Session: "d", Generation: 1, Data: []byte("1"), Max: 2, Attempt: 3,
		},
		"04" + "0161" + "0162" + "0163" + "0164" + "01" + "01": channel.LeavePresence{
			Channel: id, ClientID: "c", Session: "d", Generation: 1, Final: true,
		},
		"05" + "0161" + "0162" + secret + "0163" + "0200000000000000" + "06" + "01" + "04": channel.AttachSession{
			App: "a", Session: "b", SecretHash: [32]byte{1}, ClientID: "c", Edge: 2, Expires: 3, Create: true, Attempt: 4,
		},
		"06" + "0161" + "0162" + "01" + "04" + "01" + "0163" + "01" + "01" + "0164": channel.UpdateSession{
			App: "a", Session: "b", Generation: 1, Expires: 2, Channels: subscriptions([]string{"c+"}), Presence: []string{"d"},
		},
		"07" + "0161" + "0162" + "01": channel.DetachSession{App: "a", Session: "b", Generation: 1},
		"08" + "0161" + "0162" + "01": channel.EndSession{App: "a", Session: "b", Generation: 1},
		"09" + "0161" + "0162" + "01" + "01" + "0163": channel.PresenceCleared{
			App: "a", Session: "b", Generation: 1, Channels: []string{"c"},
		},
		"0a" + "01" + "01":                     channel.BreakEpoch{Generation: 1, Whole: true},
		"0b" + "0100000000000000":              channel.EdgeLost{Edge: 1},
		"0c":                                   channel.RestartGrace{},
		"0e" + "0161" + "0162" + "0163" + "01": channel.Occupy{Channel: id, ClientID: "c", Present: true},
		"0f" + "02" + "01" + "8002":            channel.Announced{Hooks: []uint64{1, 256}},
		"0d" + "0161" + "0162" + "020406" + "01" + "0163" + "0164" + "0131" + "0165" + "0166" + "08": channel.Import{
			Channel: id, Retention: channel.Retention{Messages: 1, Bytes: 2, Age: milliseconds(3)},
			Publications: []channel.Imported{{ID: "c", Event: "d", Data: []byte("1"), Exclude: "e", ClientID: "f", Timestamp: 4}},
		},
	} {
		commandCoding.pinned(t, command, want)
	}
}

func TestCommandRefused(t *testing.T) {
	commandCoding.refused(t, map[string]string{
		"nothing":                 "",
		"a kind of zero":          "00",
		"an unknown kind":         "10",
		"something after the end": "0100",
	})
	commandCoding.bounded(t, "06"+"0000"+"00"+"00", "06"+"0000"+"00"+"00"+"00", "09"+"0000"+"00",
		"0d"+"0000"+"000000", "0f")
}
