package wire_test

import (
	"strings"
	"testing"

	"halley/pushnode/wire"
)

// TestTrailing wants the byte, from 0, at which something follows the value, whatever it is.
func TestTrailing(t *testing.T) {
	t.Parallel()
	for body, place := range map[string]string{
		`{"data":1}{"data":2}`: "at byte 10", `{"data":1}x`: "at byte 10", `{"data":1},`: "at byte 10", `{"data":1} "x"`: "at byte 11",
		"{\"data\":1}\r\n\t 7": "at byte 14", "{\"data\":1}\xff": "at byte 10", `{"data":1}}`: "at byte 10",
	} {
		_, fault := wire.DecodePublish([]byte(body))
		want := "after the end of the value, " + place
		if fault == nil || fault.Code != wire.CodeMalformedJSON || !strings.HasSuffix(fault.Message, want) {
			t.Errorf("%q: %v, want it %s", body, fault, place)
		}
	}
	if _, fault := wire.DecodePublish([]byte("{\"data\":1}\r\n\t ")); fault != nil {
		t.Errorf("blanks after the value: %v", fault)
	}
}

// TestPlacesBegin wants faults of values at their first byte: that is where others are, too.
func TestPlacesBegin(t *testing.T) {
	t.Parallel()
	for body, place := range map[string]string{
		`{"messages":[{"channels":["a","b","a"],"data":1}]}`:       "at byte 34 (/messages/0/channels/2)",
		`{"messages":[{"channel":"a","channels":["b"],"data":1}]}`: "at byte 28 (/messages/0/channels)",
		`{"messages":[]}`: "at byte 13 (/messages)",
	} {
		batch, fault := wire.DecodeBatch([]byte(body), 10)
		if fault == nil && len(batch) > 0 {
			fault = batch[0].Err
		}
		if fault == nil || !strings.HasSuffix(fault.Message, place) {
			t.Errorf("%s: %v, want it %s", body, fault, place)
		}
	}
}

// TestLifetimeBounds wants the message to name the bound that there is.
func TestLifetimeBounds(t *testing.T) {
	t.Parallel()
	for ttl, good := range map[string]bool{
		`"24h"`: true, `86400`: true, `"1s"`: true, `"24h1s"`: false, `86401`: false, `"-1s"`: false, `"8760h"`: false, `0`: false,
	} {
		_, fault := wire.DecodeTokenRequest([]byte(`{"capabilities":{"a":["publish"]},"ttl":` + ttl + `}`))
		if (fault == nil) != good || fault != nil && !strings.Contains(fault.Message, "from one second to 24 hours") {
			t.Errorf("ttl %s: %v", ttl, fault)
		}
	}
}
