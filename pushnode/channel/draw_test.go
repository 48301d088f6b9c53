package channel_test

import (
	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

func drawText() *rapid.Generator[string] { return rapid.StringN(0, 12, 40) }

func drawTexts(t *rapid.T, label string) []string {
	return orNil(rapid.SliceOfN(drawText(), 0, 3).Draw(t, label))
}

func drawData(t *rapid.T) []byte { return orNil(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")) }

// orNil is what the encoding keeps: it knows no difference between nothing and an empty list.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// drawList draws a list, nil where it is empty.
func drawList[T any](t *rapid.T, label string, draw func(*rapid.T) T) []T {
	return orNil(rapid.SliceOfN(rapid.Custom(draw), 0, 3).Draw(t, label))
}

// drawMaybe draws a value or nil.
func drawMaybe[T any](t *rapid.T, label string, draw func(*rapid.T) T) *T {
	return rapid.Ptr(rapid.Custom(draw), true).Draw(t, label)
}

func drawID(t *rapid.T) channel.ID {
	return channel.ID{App: drawText().Draw(t, "app"), Name: drawText().Draw(t, "name")}
}

func drawRetention(t *rapid.T) channel.Retention {
	return channel.Retention{
		Messages: rapid.Int().Draw(t, "messages"), Bytes: rapid.Int().Draw(t, "bytes"),
		Age: milliseconds(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "age")),
	}
}

func drawEpoch(t *rapid.T) channel.Epoch {
	return channel.Epoch{
		Cluster: rapid.Uint64().Draw(t, "cluster"), Generation: rapid.Uint32().Draw(t, "generation"),
		Incarnation: rapid.Uint64().Draw(t, "incarnation"),
	}
}

func drawPosition(t *rapid.T) channel.Position {
	return channel.Position{Epoch: drawEpoch(t), Offset: rapid.Uint64().Draw(t, "offset")}
}

func drawPublication(t *rapid.T) *channel.Publication {
	return &channel.Publication{
		ID: drawText().Draw(t, "id"), Offset: rapid.Uint64().Draw(t, "offset"), Event: drawText().Draw(t, "event"),
		Data: drawData(t), Exclude: drawText().Draw(t, "exclude"), ClientID: drawText().Draw(t, "publisher"),
		Time: rapid.Int64().Draw(t, "time"),
	}
}

func drawMember(t *rapid.T) channel.Member {
	return channel.Member{ClientID: drawText().Draw(t, "client"), Session: drawText().Draw(t, "session"), Data: drawData(t)}
}

func drawGap(t *rapid.T) channel.Gap {
	return channel.Gap{
		Reason: rapid.SampledFrom([]channel.Reason{
			channel.ReasonEvicted, channel.ReasonPositionAhead, channel.ReasonUnknownEpoch, channel.ReasonUncertain,
			channel.ReasonSlowConsumer,
		}).Draw(t, "reason"),
		From: rapid.Uint64().Draw(t, "from"), To: rapid.Uint64().Draw(t, "to"),
	}
}

func drawSession(t *rapid.T) channel.Session {
	return channel.Session{
		App: drawText().Draw(t, "app"), ID: drawText().Draw(t, "id"), ClientID: drawText().Draw(t, "client"),
		Generation: rapid.Uint64Min(1).Draw(t, "generation"), Edge: rapid.Uint64().Draw(t, "edge"),
		Attached: rapid.Bool().Draw(t, "attached"), Since: rapid.Int64().Draw(t, "since"),
		Expires: rapid.Int64().Draw(t, "expires"), Channels: subscriptions(drawTexts(t, "channels")),
		Presence: drawTexts(t, "presence"),
	}
}
