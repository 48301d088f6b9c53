package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/wire"
)

// TestDataIsACopy changes the input after it was decoded: what was decoded must stay.
func TestDataIsACopy(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":"greeting","data":"hello","id":"abc"}`)
	publish, fault := wire.DecodePublish(body)
	if fault != nil {
		t.Fatal(fault)
	}
	clear(body)
	if string(publish.Data) != `"hello"` || publish.Event != "greeting" || publish.ID != "abc" {
		t.Errorf("the publication changed with its body: %s %s %s", publish.Event, publish.ID, publish.Data)
	}
}

func TestPresenceDataIsBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]bool{2046: true, 2047: false} {
		frame := `{"op":"enter","ref":3,"channel":"room","data":"` + strings.Repeat("x", size) + `"}`
		command, fault := wire.DecodeCommand([]byte(frame))
		if got := fault == nil; got != want || command.Ref != 3 {
			t.Errorf("%d bytes and two quotes: %v", size, fault)
		}
		if !want && fault.Code != wire.CodeMessageTooLarge {
			t.Errorf("got %v", fault)
		}
	}
}

// TestTooDeep nests beyond our own bound, and beyond that of the JSON library.
func TestTooDeep(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{33, 1000, 20000, 200000} {
		body := `{"data":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
		if _, fault := wire.DecodePublish([]byte(body)); !errors.Is(asError(fault), wire.CodeTooDeep) {
			t.Errorf("depth %d: got %v", depth, fault)
		}
	}
}

// TestLongIDs crosses the bounds of section 8 of the protocol.
func TestLongIDs(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]bool{128: true, 129: false} {
		id := strings.Repeat("i", length)
		if _, fault := wire.DecodePublish([]byte(`{"data":1,"id":"` + id + `"}`)); (fault == nil) != want {
			t.Errorf("an id of %d: %v", length, fault)
		}
		client := strings.Repeat("é", length)
		request := `{"capabilities":{"a":["subscribe"]},"client_id":"` + client + `"}`
		if _, fault := wire.DecodeTokenRequest([]byte(request)); (fault == nil) != want {
			t.Errorf("a client id of %d: %v", length, fault)
		}
	}
	for length, want := range map[int]bool{8 << 10: true, 8<<10 + 1: false} {
		frame := `{"op":"token","token":"` + strings.Repeat("t", length) + `"}`
		_, fault := wire.DecodeCommand([]byte(frame))
		if (fault == nil) != want {
			t.Errorf("a token of %d: %v", length, fault)
		}
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	long := "SECRET" + strings.Repeat("x", 9000)
	for _, frame := range []string{
		`{"op":"connect","token":"` + long + `"}`,
		`{"op":"connect","token":"SECRET","key":"SECRET"}`,
		`{"op":"connect","session":"SECRET"}`,
	} {
		if _, fault := wire.DecodeCommand([]byte(frame)); fault == nil || strings.Contains(fault.Message, "SECRET") {
			t.Errorf("%.40s: %v", frame, fault)
		}
	}
}

func asError(fault *wire.Error) error {
	if fault == nil {
		return nil
	}
	return fault
}

// checkData holds what was decoded against the JSON library: valid, strict, and without blanks.
func checkData(t *testing.T, data []byte) {
	t.Helper()
	compacted := jsontext.Value(bytes.Clone(data))
	if err := compacted.Compact(jsontext.PreserveRawStrings(true)); err != nil || !bytes.Equal(compacted, data) {
		t.Fatalf("data %q is not compact, strict JSON: %v", data, err)
	}
}

// checkFault holds a fault against what a decoder may say of bytes.
func checkFault(t *testing.T, input []byte, fault *wire.Error) {
	t.Helper()
	if fault.Code.Status() >= 500 || fault.Code < wire.CodeBadRequest || fault.Message == "" {
		t.Fatalf("%q is refused with %v", input, fault)
	}
	if body := jsontext.Value(wire.AppendErrorBody(nil, fault)); !body.IsValid() {
		t.Fatalf("%q is refused with %q, which is not valid", input, body)
	}
	if syntactic := fault.Code == wire.CodeMalformedJSON || fault.Code == wire.CodeBadUTF8; syntactic && strictlyValid(input) {
		t.Fatalf("%q is valid and refused with %v", input, fault)
	}
}

func strictlyValid(input []byte) bool {
	var value any
	return strict.Unmarshal(input, &value) == nil
}

func seed(f *testing.F, transcript string) {
	f.Helper()
	for line := range strings.Lines(transcript) {
		if input, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> "); found {
			f.Add([]byte(input))
		}
	}
	f.Add([]byte("\xff"))
}

func FuzzDecodeCommand(f *testing.F) {
	seed(f, read(f, "commands.txt"))
	f.Fuzz(func(t *testing.T, input []byte) {
		command, fault := wire.DecodeCommand(input)
		if fault != nil {
			checkFault(t, input, fault)
			return
		}
		if !strictlyValid(input) || command.Op == "" || command.Ref < 0 {
			t.Fatalf("%q is accepted as %+v", input, command)
		}
		if command.Data != nil {
			checkData(t, command.Data)
		}
	})
}

func FuzzDecodeCommands(f *testing.F) {
	seed(f, read(f, "command_batches.txt"))
	f.Fuzz(func(t *testing.T, input []byte) {
		commands, fault := wire.DecodeCommands(input)
		if fault != nil {
			checkFault(t, input, fault)
			return
		}
		if !json.Valid(input) || commands.Session == "" || len(commands.Items) == 0 {
			t.Fatalf("%q is accepted as %+v", input, commands)
		}
		for _, item := range commands.Items {
			if item.Err != nil && (item.Err.Code == wire.CodeMalformedJSON || item.Err.Code == wire.CodeBadUTF8) {
				t.Fatalf("%q: one of many is refused with %v", input, item.Err)
			}
		}
	})
}

func FuzzDecodePublish(f *testing.F) {
	seed(f, read(f, "publishes.txt"))
	f.Fuzz(func(t *testing.T, input []byte) {
		publish, fault := wire.DecodePublish(input)
		if fault != nil {
			checkFault(t, input, fault)
			return
		}
		if !strictlyValid(input) {
			t.Fatalf("%q is accepted", input)
		}
		checkData(t, publish.Data)
	})
}

func FuzzDecodeBatch(f *testing.F) {
	seed(f, read(f, "batches.txt"))
	f.Fuzz(func(t *testing.T, input []byte) {
		batch, fault := wire.DecodeBatch(input, 10)
		if fault != nil {
			checkFault(t, input, fault)
			return
		}
		good := 0
		for _, item := range batch {
			if item.Err == nil {
				good++
				checkData(t, item.Data)
				continue
			}
			if item.Err.Code == wire.CodeMalformedJSON || item.Err.Code == wire.CodeBadUTF8 {
				t.Fatalf("%q: one of many is refused with %v", input, item.Err)
			}
		}
		if good == len(batch) && !strictlyValid(input) {
			t.Fatalf("%q is accepted whole", input)
		}
	})
}

func FuzzDecodeTokenRequest(f *testing.F) {
	seed(f, read(f, "token_requests.txt"))
	f.Fuzz(func(t *testing.T, input []byte) {
		request, fault := wire.DecodeTokenRequest(input)
		if fault != nil {
			checkFault(t, input, fault)
			return
		}
		if !strictlyValid(input) || len(request.Capabilities) == 0 || request.TTL < 0 {
			t.Fatalf("%q is accepted as %+v", input, request)
		}
	})
}

// FuzzEncodeText writes any text into a push, and reads it back.
func FuzzEncodeText(f *testing.F) {
	for _, text := range []string{"", "plain", "\"\\\n\r\t\x00\x1f", "é☄😀\u2028\u2029", "\xff\xc0\xaf", "<&>"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object := wire.AppendObject(nil, wire.Dropped{Channel: text})
		var got struct {
			Channel string `json:"channel"`
			Count   int    `json:"count"`
		}
		if err := strict.Unmarshal(object, &got); err != nil {
			t.Fatalf("%q became %s: %v", text, object, err)
		}
		if want := string([]rune(text)); got.Channel != want {
			t.Fatalf("got %q, want %q", got.Channel, want)
		}
		if bytes.ContainsAny(object, "\r\n\u2028\u2029") {
			t.Fatalf("%q ends a line", object)
		}
	})
}

func TestCommandAsQuestion(t *testing.T) {
	t.Parallel()
	frame := `{"op":"history","channel":"news","limit":7,"direction":"forward","since":"1-0-1:3"}`
	command, fault := wire.DecodeCommand([]byte(frame))
	if fault != nil {
		t.Fatal(fault)
	}
	if query := command.HistoryQuery(); query.Limit != 7 || !query.Forward || query.Since.String() != "1-0-1:3" {
		t.Errorf("got %+v", query)
	}
	command, fault = wire.DecodeCommand([]byte(`{"op":"subscribe","channel":"news","rewind":5}`))
	if fault != nil {
		t.Fatal(fault)
	}
	if start := command.Start(); start.Rewind != 5 || start.Since != nil {
		t.Errorf("got %+v", start)
	}
}
