package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:/"

var (
	names     = rapid.StringOfN(rapid.SampledFrom([]rune(nameBytes)), 1, channel.MaxNameBytes, -1)
	positions = rapid.Custom(func(t *rapid.T) channel.Position {
		epoch := channel.Epoch{Cluster: rapid.Uint64().Draw(t, "cluster"), Generation: rapid.Uint32().Draw(t, "generation"),
			Incarnation: rapid.Uint64().Draw(t, "incarnation")}
		return channel.Position{Epoch: epoch, Offset: rapid.Uint64().Draw(t, "offset")}
	})
)

// TestCursorRoundTrip reads what was written, for any channels and positions.
func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var cursor wire.Cursor
		var appended []byte
		for _, name := range rapid.SliceOfNDistinct(names, 0, 20, rapid.ID).Draw(t, "names") {
			item := wire.CursorItem{Channel: name, Position: positions.Draw(t, "position")}
			cursor = append(cursor, item)
			appended = wire.AppendCursorItem(appended, name, item.Position.Epoch.String(), item.Position.Offset)
		}
		text := cursor.String()
		if string(appended) != text {
			t.Fatalf("AppendCursorItem writes %s, String %s", appended, text)
		}
		got, fault := wire.ParseCursor(text, "")
		if fault != nil {
			t.Fatalf("%s: %v", text, fault)
		}
		if fmt.Sprint(got) != fmt.Sprint(cursor) || len(got) != len(cursor) {
			t.Fatalf("got %v, want %v", got, cursor)
		}
	})
}

func TestBarePositionIsACursor(t *testing.T) {
	t.Parallel()
	cursor, fault := wire.ParseCursor("1-0-1:42", "news")
	if fault != nil || cursor.String() != "news*1-0-1:42" {
		t.Errorf("got %v, %v", cursor, fault)
	}
	if cursor, fault = wire.ParseCursor("other*1-0-1:42", "news"); fault != nil || cursor[0].Channel != "other" {
		t.Errorf("a whole cursor beside one channel: got %v, %v", cursor, fault)
	}
}

func TestBadCursors(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a*1-0-1:1~", wire.MaxCursorItems) + "a*1-0-1:1"
	for _, test := range []struct {
		text, only string
		want       wire.Code
		says       string
	}{
		{"1-0-1:42", "", wire.CodeInvalidField, "not channel*epoch:offset"},
		{"42", "news", wire.CodeInvalidField, "not a position"},
		{"news*42", "", wire.CodeInvalidField, "not a position"},
		{"news*1-0-1:42~", "", wire.CodeInvalidField, "not channel*epoch:offset"},
		{"news*1-0-1:42~news*1-0-1:43", "", wire.CodeInvalidField, "twice"},
		{"no blanks*1-0-1:42", "", wire.CodeInvalidChannel, "not a channel name"},
		{"*1-0-1:42", "", wire.CodeInvalidChannel, "empty"},
		{"news*1-0-1:-1", "", wire.CodeInvalidField, "not a position"},
		{"news*1-0-1:18446744073709551616", "", wire.CodeInvalidField, "not a position"},
		{many, "", wire.CodeInvalidField, "more than 1000 items"},
	} {
		_, fault := wire.ParseCursor(test.text, test.only)
		if fault == nil || fault.Code != test.want || !strings.Contains(fault.Message, test.says) {
			t.Errorf("%.60s: got %v, want %v that says %q", test.text, fault, test.want, test.says)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	seeds := []string{"", "news*3k9f0-0-7:42~chat*3k9f0-0-9:7", "1-0-1:1", "a*b", "~", "*", "news*1-0-1:01", "\xff*1-0-1:1"}
	for _, seed := range seeds {
		f.Add(seed, "news")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, text, only string) {
		cursor, fault := wire.ParseCursor(text, only)
		if fault != nil {
			if fault.Code != wire.CodeInvalidField && fault.Code != wire.CodeInvalidChannel {
				t.Fatalf("%q is refused with %v", text, fault)
			}
			return
		}
		if again := cursor.String(); again != text && (only == "" || again != only+"*"+text) {
			t.Fatalf("%q was read as %q", text, again)
		}
	})
}
