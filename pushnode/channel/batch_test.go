package channel_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

func TestBatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := channel.Batch{
			Proposer: rapid.Uint64().Draw(t, "proposer"), Ticket: rapid.Uint64().Draw(t, "ticket"),
			Now:      rapid.Int64().Draw(t, "now"),
			Commands: orNil(rapid.SliceOfN(rapid.Custom(drawCommand), 0, 5).Draw(t, "commands")),
		}
		entry := channel.AppendBatch([]byte("before"), batch)
		decoded, err := channel.DecodeBatch(entry[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(decoded, batch) {
			t.Fatalf("got  %+v\nwant %+v", decoded, batch)
		}
		cut := rapid.IntRange(0, len(entry)-len("before")-1).Draw(t, "cut")
		if _, err := channel.DecodeBatch(entry[len("before"):][:cut]); !errors.Is(err, channel.ErrEncoding) {
			t.Fatalf("cut off at %d: %v, want ErrEncoding", cut, err)
		}
	})
}

// TestBatchBytes pins the encoding: copies of different versions of the program read each other's entries.
func TestBatchBytes(t *testing.T) {
	entry := channel.AppendBatch(nil, channel.Batch{Proposer: 1, Ticket: 2, Now: 3, Commands: []channel.Command{
		channel.Publish{
			Channel: channel.ID{App: "a", Name: "b"}, ID: "c", Event: "d", Data: []byte("1"), Retention: channel.DefaultRetention,
		},
		channel.Advance{},
	}})
	want := "02" + "0100000000000000" + "02" + "06" + "02" +
		"02" + "0161" + "0162" + "0163" + "0164" + "0131" + "00" + "00" + "c801" + "80808004" + "80d30e" + "00" +
		"01"
	if got := hex.EncodeToString(entry); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBatchRefused(t *testing.T) {
	header := "020000000000000000" + "00" + "00"
	for name, entry := range map[string]string{
		"nothing":                      "",
		"another version":              "010000000000000000000000",
		"something after the end":      header + "0000",
		"more commands than bytes":     header + "ff01",
		"an unknown kind":              header + "0163",
		"a kind of zero":               header + "0100",
		"a bool of two":                header + "01" + "06" + "0000" + "0000" + "01" + "00" + "02" + "00",
		"a generation above 32 bits":   header + "01" + "0a" + "ffffffffff01",
		"an age beyond all time":       header + "01" + "02" + "00000000000000" + "0000" + "ffffffffffffffffff01",
		"a number of eleven bytes":     header + "ffffffffffffffffffff01",
		"a text longer than the entry": header + "01" + "03" + "09",
	} {
		t.Run(name, func(t *testing.T) {
			data, err := hex.DecodeString(entry)
			if err != nil {
				t.Fatal(err)
			}
			if batch, err := channel.DecodeBatch(data); !errors.Is(err, channel.ErrEncoding) {
				t.Errorf("got %+v, %v, want ErrEncoding", batch, err)
			}
		})
	}
}

// TestBatchShared holds that a publication is in memory once: in its entry.
func TestBatchShared(t *testing.T) {
	entry := channel.AppendBatch(nil, channel.Batch{Commands: publishes(1)})
	batch, err := channel.DecodeBatch(entry)
	if err != nil {
		t.Fatal(err)
	}
	state := channel.NewState(1)
	_, effects := state.Apply(1, batch.Commands)
	published := effects[0].(channel.Published)
	start, end := uintptr(unsafe.Pointer(&entry[0])), uintptr(unsafe.Pointer(&entry[len(entry)-1]))
	inside := func(p unsafe.Pointer) bool { return uintptr(p) >= start && uintptr(p) <= end }
	data, id := published.Publication.Data, published.Publication.ID
	if !inside(unsafe.Pointer(&data[0])) || !inside(unsafe.Pointer(unsafe.StringData(id))) {
		t.Error("the publication was copied out of its entry")
	}
	if inside(unsafe.Pointer(unsafe.StringData(published.Channel.Name))) {
		t.Error("the channel's name keeps the entry alive")
	}
	if grown := append(data, '!'); entry[bytes.Index(entry, data)+len(grown)-1] == '!' {
		t.Error("to append to the data writes into the entry")
	}
}

func FuzzDecodeBatch(f *testing.F) {
	negative := channel.Batch{Proposer: 1 << 63, Ticket: 1, Now: -1, Commands: []channel.Command{channel.Advance{}}}
	f.Add(channel.AppendBatch(nil, negative))
	for i := range 40 {
		example := rapid.Custom(drawCommand).Example(i)
		f.Add(channel.AppendBatch(nil, channel.Batch{Proposer: 1, Ticket: 2, Now: 3, Commands: []channel.Command{example}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		batch, err := channel.DecodeBatch(data)
		if err != nil {
			if !errors.Is(err, channel.ErrEncoding) {
				t.Fatalf("%v does not wrap ErrEncoding", err)
			}
			return
		}
		again, err := channel.DecodeBatch(channel.AppendBatch(nil, batch))
		if err != nil || !reflect.DeepEqual(again, batch) {
			t.Fatalf("%+v became %+v, %v", batch, again, err)
		}
	})
}
