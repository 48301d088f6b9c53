package channel_test

import (
	"testing"

	"halley/pushnode/channel"
)

// TestHashTellsApart holds that commands which leave different states behind leave different hashes, where their answers are the
// same: a copy that missed one of them is found out.
func TestHashTellsApart(t *testing.T) {
	attach := channel.AttachSession{App: "app", Session: "s1", Create: true, Edge: 1}
	enter := channel.EnterPresence{Channel: room("room"), ClientID: "ada", Session: "s1", Generation: 1}
	leave := channel.LeavePresence{Channel: room("room"), ClientID: "ada", Session: "s1", Generation: 1}
	imported := channel.Import{Channel: room("room"), Publications: []channel.Imported{{ID: "a"}}}
	attachAgain, enterAgain, leaveForGood, leaveLater, importedLater := attach, enter, leave, leave, imported
	attachAgain.Attempt, enterAgain.Attempt, leaveForGood.Final = 1, 1, true
	leaveLater.Generation, leaveLater.Final = 2, true
	importedLater.Publications = []channel.Imported{{ID: "a", Timestamp: 1}}
	for _, pair := range [][2]channel.Command{
		{attach, attachAgain},
		{enter, enterAgain},
		{leave, leaveForGood},
		{leaveForGood, leaveLater},
		{imported, importedLater},
		{channel.EdgeLost{Edge: 1}, channel.EdgeLost{Edge: 2}},
		{channel.Advance{}, channel.RestartGrace{}},
		{channel.Advance{}, channel.Occupy{Channel: room("room"), Present: true}},
		{channel.Occupy{Channel: room("room"), Present: true}, channel.Occupy{Channel: room("room"), ClientID: "ada", Present: true}},
		{channel.Advance{}, channel.Announced{Hooks: []uint64{1}}},
	} {
		var hashes [2]uint64
		for i, command := range pair {
			s := channel.NewState(1)
			s.Apply(5, []channel.Command{command})
			hashes[i] = s.Hash()
		}
		if hashes[0] == hashes[1] {
			t.Errorf("%+v and %+v leave the same hash", pair[0], pair[1])
		}
	}
}
