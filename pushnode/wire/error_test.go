package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"halley/pushnode/wire"
)

func TestErrorHidesItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial 10.0.0.7: refused")
	err := wire.NewError(wire.CodeUnavailable).Because(cause)
	if !errors.Is(err, cause) || !errors.Is(err, wire.CodeUnavailable) || errors.Is(err, wire.CodeDenied) {
		t.Error("errors.Is does not find the cause and the code alone")
	}
	if text := err.Error(); !strings.Contains(text, "10.0.0.7") || !strings.Contains(text, "unavailable") {
		t.Errorf("the log gets %q: the cause or the name is missing", text)
	}
	if body := string(wire.AppendErrorBody(nil, err)); strings.Contains(body, "10.0.0.7") {
		t.Errorf("the client is told the cause: %s", body)
	}
}

func TestErrorCopies(t *testing.T) {
	t.Parallel()
	first := wire.NewError(wire.CodeRateLimited)
	second := first.After(3 * time.Second).Because(errors.New("x"))
	if first.RetryAfter != 0 || errors.Unwrap(first) != nil {
		t.Error("After or Because changed its receiver")
	}
	if second.RetryAfter != 3*time.Second {
		t.Errorf("got %v, want 3s", second.RetryAfter)
	}
}

func TestAsError(t *testing.T) {
	t.Parallel()
	denied := wire.Errorf(wire.CodeDenied, "no")
	for name, test := range map[string]struct {
		err  error
		want wire.Code
	}{
		"wrapped":       {fmt.Errorf("publish: %w", denied), wire.CodeDenied},
		"a code":        {fmt.Errorf("publish: %w", wire.CodeDraining), wire.CodeDraining},
		"anything else": {errors.New("disk full"), wire.CodeInternal},
	} {
		got := wire.AsError(test.err)
		if got.Code != test.want {
			t.Errorf("%s: got %v, want %v", name, got.Code, test.want)
		}
		if test.want == wire.CodeInternal && got.Message != wire.CodeInternal.Entry().Text {
			t.Errorf("%s: the client is told %q", name, got.Message)
		}
	}
	if wire.AsError(nil) != nil {
		t.Error("no error became an error")
	}
	if got := wire.CodeDenied.Error(); got != "denied (4310)" {
		t.Errorf("got %q", got)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code wire.Code
		wait time.Duration
		want string
	}{
		{wire.CodeDenied, 0, ""},
		{wire.CodeRateLimited, 0, "1"},
		{wire.CodeOverCapacity, 0, "1"},
		{wire.CodeRateLimited, time.Millisecond, "1"},
		{wire.CodeRateLimited, 1001 * time.Millisecond, "2"},
		{wire.CodeDenied, 5 * time.Second, "5"},
	} {
		if got := wire.NewError(test.code).After(test.wait).RetryAfterHeader(); got != test.want {
			t.Errorf("%v after %v: got %q, want %q", test.code, test.wait, got, test.want)
		}
	}
}
