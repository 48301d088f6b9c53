package pusher_test

import (
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

// TestCodesHaveTexts: pusher-js shows the text to its user, and goes by the range of the code.
func TestCodesHaveTexts(t *testing.T) {
	t.Parallel()
	for _, code := range []pusher.Code{
		pusher.CodeTLSOnly, pusher.CodeNoApp, pusher.CodeAppDisabled, pusher.CodeOverQuota, pusher.CodePath, pusher.CodeVersionFormat,
		pusher.CodeProtocol, pusher.CodeNoProtocol, pusher.CodeUnauthorized, pusher.CodeOverCapacity, pusher.CodeReconnect,
		pusher.CodePongMissing, pusher.CodeInactive, pusher.CodeClientEventRate, pusher.CodeWatchlist,
	} {
		if code.Text() == "" {
			t.Errorf("code %d has no text", code)
		}
		if code.Closes() != (code < 4300) {
			t.Errorf("code %d: Closes is %v", code, code.Closes())
		}
	}
}

func TestTextsTellNoMoreThanTheyShould(t *testing.T) {
	t.Parallel()
	got := pusher.BadSignature("1.2:private-a", "key:"+strings.Repeat("f", 5000))
	want := "Invalid signature: Expected HMAC SHA256 hex digest of 1.2:private-a, but got key:" + strings.Repeat("f", 196)
	if got != want {
		t.Errorf("the text is %q", got)
	}
}
