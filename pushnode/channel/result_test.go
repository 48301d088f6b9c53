package channel_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

var resultCoding = coding[channel.Result]{append: channel.AppendResult, decode: channel.DecodeResult, draw: drawResult}

func drawResult(t *rapid.T) channel.Result {
	result := channel.Result{
		Err: rapid.SampledFrom([]error{
			nil, channel.ErrNoSession, channel.ErrGeneration, channel.ErrPresenceFull,
		}).Draw(t, "err"),
		Duplicate: rapid.Bool().Draw(t, "duplicate"), Resumed: rapid.Bool().Draw(t, "resumed"),
		Version: rapid.Uint64().Draw(t, "version"),
	}
	if rapid.Bool().Draw(t, "published") {
		result.ID, result.Position = drawText().Draw(t, "id"), drawPosition(t)
	}
	if rapid.Bool().Draw(t, "attached") {
		result.Session = drawSession(t)
	}
	return result
}

func TestResultRoundTrip(t *testing.T) { resultCoding.roundTrip(t) }

func FuzzDecodeResult(f *testing.F) { resultCoding.fuzz(f) }

func TestResultBytes(t *testing.T) {
	epoch := channel.Epoch{Cluster: 1, Generation: 2, Incarnation: 3}
	const sessionBytes = "0161" + "0162" + "05" + "0163" + "0600000000000000" + "01" + "0e" + "10" + "01" + "0164" + "01" + "01" + "0165"
	for want, result := range map[string]channel.Result{
		"00" + "00" + "00": {},
		"00" + "01" + "00": {Err: channel.ErrNoSession},
		"00" + "02" + "00": {Err: channel.ErrGeneration},
		"00" + "03" + "07": {Err: channel.ErrPresenceFull, Version: 7},
		"05" + "00" + "00" + "0161" + "0100000000000000" + "02" + "03" + "04": {
			ID: "a", Position: channel.Position{Epoch: epoch, Offset: 4}, Duplicate: true,
		},
		"0a" + "00" + "00" + sessionBytes: {
			Resumed: true,
			Session: channel.Session{
				App: "a", ID: "b", ClientID: "c", Generation: 5, Edge: 6, Attached: true, Since: 7, Expires: 8,
				Channels: subscriptions([]string{"d+"}), Presence: []string{"e"},
			},
		},
	} {
		resultCoding.pinned(t, result, want)
	}
}

func TestResultRefused(t *testing.T) {
	resultCoding.refused(t, map[string]string{
		"nothing":                      "",
		"an unknown error":             "00" + "04" + "00",
		"unknown bits":                 "10" + "00" + "00",
		"a session without generation": "02" + "00" + "00" + "0000" + "00" + "00" + "0000000000000000" + "00" + "00" + "00" + "00" + "00",
		"something after the end":      "00000000",
	})
	resultCoding.bounded(t, "02"+"00"+"00"+"0000"+"01"+"00"+"0000000000000000"+"00"+"00"+"00")
}

// TestResultUnknownError says what a broken host meets: no other error may pass for one of the package's.
func TestResultUnknownError(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("an error that is none of the package's was encoded")
		}
	}()
	channel.AppendResult(nil, channel.Result{Err: errors.New("other")})
}
