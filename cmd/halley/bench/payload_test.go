package bench

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, size := range []int{minBytes, 128, 1024} {
		payload := appendPayload(nil, size, 1023, 4_000_000_001)
		if len(payload) != size || !jsontext.Value(payload).IsValid() {
			t.Errorf("a payload of %d bytes has %d: %s", size, len(payload), payload)
		}
		flow, number, ok := parsePayload(append([]byte(`{"channel":"bench","data":`), payload...))
		if flow != 1023 || number != 4_000_000_001 || !ok {
			t.Errorf("it is read as message %d of flow %d, %v", number, flow, ok)
		}
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, text := range []string{
		``, `{"op":"ping"}`, `"halley:0001:0000000002:xx"`, `"halley:0001:0000000002`, `"halley:00x1:0000000002:`, `"halley:0001:9999999999:`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		flow, number, ok := parsePayload(message)
		if !ok {
			return
		}
		again := appendPayload(nil, minBytes, flow, number)
		if f, n, ok := parsePayload(again); f != flow || n != number || !ok {
			t.Errorf("message %d of flow %d of %q became %d of %d", number, flow, message, n, f)
		}
	})
}
