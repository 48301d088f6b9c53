package channel_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

func TestValidName(t *testing.T) {
	for _, test := range []struct {
		name string
		want string // part of the error; empty: valid
	}{
		{name: "a"},
		{name: "AZaz09_-=@,.;:/"},
		{name: strings.Repeat("x", 200)},
		{name: "", want: "empty"},
		{name: strings.Repeat("x", 201), want: "201 bytes, at most 200"},
		{name: "room 1", want: `byte 5 is " "`},
		{name: "news*", want: `byte 5 is "*"`},
		{name: "a~b", want: `byte 2 is "~"`},
		{name: "é", want: `byte 1 is "\xc3"`},
		{name: "a\n", want: `byte 2 is "\n"`},
		{name: "a\x00", want: `byte 2`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := channel.ValidName(test.name)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (!errors.Is(err, channel.ErrName) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want ErrName with %s", err, test.want)
			}
		})
	}
}

// TestHidden holds that what is hidden is what nobody can name, and that of no other channel is said that it is.
func TestHidden(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]bool{"#online-ada": true, "#": true, "a#": false, "news": false, "": false} {
		if channel.Hidden(name) != hidden || hidden && channel.ValidName(name) == nil {
			t.Errorf("%q: hidden %t, valid: %v", name, channel.Hidden(name), channel.ValidName(name))
		}
	}
}

func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		position := channel.Position{
			Epoch: channel.Epoch{
				Cluster: rapid.Uint64().Draw(t, "cluster"), Generation: rapid.Uint32().Draw(t, "generation"),
				Incarnation: rapid.Uint64().Draw(t, "incarnation"),
			},
			Offset: rapid.Uint64().Draw(t, "offset"),
		}
		if got, err := channel.ParsePosition(position.String()); err != nil || got != position {
			t.Fatalf("%s: got %+v, %v, want %+v", position, got, err, position)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, text := range []string{
		"", ":", "1-0-1:2", "1-0-1", "1-0-1:", "1-0-1:02", "1-0-1:-1", "01-0-1:2", "A-0-1:2", "1-4294967296-1:2", "1--1:2",
		"1-0-1-1:2",
		"3w5e11264sgsf-1z141z3-3w5e11264sgsf:18446744073709551615", "1-0-1:18446744073709551616",
		strings.Repeat("1", 60) + "-0-1:2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		position, err := channel.ParsePosition(text)
		if err != nil {
			if !errors.Is(err, channel.ErrPosition) {
				t.Fatalf("%v does not wrap ErrPosition", err)
			}
			return
		}
		if position.String() != text {
			t.Fatalf("%q was read as %s", text, position)
		}
	})
}
