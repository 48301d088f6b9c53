package wire_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"halley/pushnode/wire"
)

// runTranscript replays a file of what clients send. A line that begins with "> " is an input, or with ">q " a quoted one (as in
// Go); the indented lines after it are what became of it, written anew by -update. Other lines are comments.
func runTranscript(t *testing.T, name string, decode func(input []byte) string) {
	t.Helper()
	var got bytes.Buffer
	for line := range strings.Lines(read(t, name)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue
		}
		fmt.Fprintln(&got, line)
		input, found := strings.CutPrefix(line, "> ")
		if quoted, isQuoted := strings.CutPrefix(line, ">q "); isQuoted {
			unquoted, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, line, err)
			}
			input, found = unquoted, true
		}
		if found {
			fmt.Fprintf(&got, "    %s\n", strings.ReplaceAll(decode([]byte(input)), "\n", "\n    "))
		}
	}
	golden(t, name, got.Bytes())
}

func read(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// transcriptOf is one answer of a decoder.
func transcriptOf(value any, fault *wire.Error) string {
	text := show(reflect.ValueOf(value))
	if fault != nil {
		text = fmt.Sprintf("%d %s: %s", fault.Code, fault.Code.Name(), fault.Message) + after(" | ", text)
	}
	return text
}

func after(separator, text string) string {
	if text == "" || text == "{}" {
		return ""
	}
	return separator + text
}

// show prints the fields of a value that are not zero.
func show(value reflect.Value) string {
	if text, ok := value.Interface().(fmt.Stringer); ok && !value.IsZero() {
		return text.String()
	}
	switch value.Kind() {
	case reflect.Pointer:
		return show(value.Elem())
	case reflect.Struct:
		var fields []string
		for i := range value.NumField() {
			if field := value.Field(i); field.CanInterface() && !field.IsZero() {
				fields = append(fields, value.Type().Field(i).Name+"="+show(field))
			}
		}
		return "{" + strings.Join(fields, " ") + "}"
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return string(value.Bytes())
		}
		var items []string
		for i := range value.Len() {
			items = append(items, show(value.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.String:
		return strconv.Quote(value.String())
	}
	return fmt.Sprint(value.Interface())
}

func TestCommandTranscript(t *testing.T) {
	t.Parallel()
	runTranscript(t, "commands.txt", func(input []byte) string {
		command, fault := wire.DecodeCommand(input)
		return transcriptOf(command, fault)
	})
}

func TestCommandsTranscript(t *testing.T) {
	t.Parallel()
	runTranscript(t, "command_batches.txt", func(input []byte) string {
		commands, fault := wire.DecodeCommands(input)
		if fault != nil {
			return transcriptOf(commands, fault)
		}
		lines := []string{"session " + commands.Session}
		for _, item := range commands.Items {
			lines = append(lines, transcriptOf(item.Command, item.Err))
		}
		return strings.Join(lines, "\n")
	})
}

func TestPublishTranscript(t *testing.T) {
	t.Parallel()
	runTranscript(t, "publishes.txt", func(input []byte) string {
		publish, fault := wire.DecodePublish(input)
		return transcriptOf(publish, fault)
	})
}

func TestBatchTranscript(t *testing.T) {
	t.Parallel()
	runTranscript(t, "batches.txt", func(input []byte) string {
		batch, fault := wire.DecodeBatch(input, 4)
		if fault != nil {
			return transcriptOf(wire.Publish{}, fault)
		}
		var lines []string
		for _, item := range batch {
			lines = append(lines, transcriptOf(wire.BatchItem{Publish: item.Publish, Channels: item.Channels}, item.Err))
		}
		return strings.Join(lines, "\n")
	})
}

func TestTokenRequestTranscript(t *testing.T) {
	t.Parallel()
	runTranscript(t, "token_requests.txt", func(input []byte) string {
		request, fault := wire.DecodeTokenRequest(input)
		return transcriptOf(request, fault)
	})
}
