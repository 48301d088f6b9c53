package wire_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"halley/pushnode/wire"
)

// pinned is every code that was ever given out. A line may be added and never changed: clients branch on these numbers.
const pinned = `
4001 app_not_found 404
4003 app_disabled 403
4004 quota_exceeded 403
4009 unauthorized 401
4010 origin_denied 403
4011 secret_key_exposed 403
4012 handshake_timeout 408
4013 protocol_error 400
4014 frame_too_large 413
4015 session_replaced 409
4016 disconnected 403
4100 over_capacity 503
4101 unavailable 503
4102 too_many_connections 429
4103 internal 500
4110 slow_consumer 503
4200 draining 503
4201 ping_timeout 408
4210 token_expired 401
4300 bad_request 400
4301 rate_limited 429
4303 malformed_json 400
4304 duplicate_name 400
4305 bad_utf8 400
4306 unknown_field 400
4307 missing_field 400
4308 invalid_field 400
4309 invalid_channel 400
4310 denied 403
4311 unknown_op 400
4312 too_deep 400
4313 unsupported_media_type 415
4314 unsupported_encoding 415
4315 method_not_allowed 405
4316 not_found 404
4317 body_timeout 408
4318 body_truncated 400
4319 message_too_large 413
4320 position_lost 410
4321 limit_exceeded 403
4322 presence_full 409
4323 not_subscribed 409
4324 queue_full 429
4325 session_not_found 404
4326 answer_full 429
`

func TestCodesArePinned(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteByte('\n')
	for _, entry := range wire.Codes() {
		fmt.Fprintln(&table, int(entry.Code), entry.Name, entry.Status)
	}
	if got := table.String(); got != pinned {
		t.Errorf("the table of errors is\n%s\nand was\n%s", got, pinned)
	}
}

func TestCodesKeepTheirMeaningInPusher(t *testing.T) {
	t.Parallel()
	// What Pusher Channels uses these for has no line here yet; nothing else may take them.
	reserved := []wire.Code{4000, 4005, 4006, 4007, 4008, 4202, 4302}
	for _, entry := range wire.Codes() {
		if slices.Contains(reserved, entry.Code) {
			t.Errorf("%d %s has the code of something else in Pusher Channels", entry.Code, entry.Name)
		}
	}
}

func TestCodesTellWhatToDo(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, entry := range wire.Codes() {
		if names[entry.Name] {
			t.Errorf("the name %s stands twice", entry.Name)
		}
		names[entry.Name] = true
		if entry.Text == "" || entry.Advice == "" || entry.Status < 400 {
			t.Errorf("%s is not complete", entry.Name)
		}
		if entry.Code < 4000 || entry.Code > 4399 {
			t.Errorf("%s has the code %d, which has no range", entry.Name, entry.Code)
		}
		if got, want := entry.Code.Closes(), entry.Code < 4300; got != want {
			t.Errorf("%s closes: got %v, want %v", entry.Name, got, want)
		}
		if got, want := entry.Code.Docs(), "/docs/errors#"+entry.Name; got != want {
			t.Errorf("%s is explained at %s, want %s", entry.Name, got, want)
		}
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	t.Parallel()
	if got := wire.Code(1).Entry().Code; got != wire.CodeInternal {
		t.Errorf("got %d, want %d", got, wire.CodeInternal)
	}
}

// TestErrorsPage holds web/docs/errors.md against the table; -update writes it.
func TestErrorsPage(t *testing.T) {
	t.Parallel()
	compareFile(t, "../../web/docs/errors.md", errorsPage())
}

const errorsHead = `# Errors

One table of errors serves the HTTP API and every transport. Over HTTP an error is the body of the answer:

` + "```json" + `
{"error":{"code":4301,"name":"rate_limited","message":"too many requests","docs":"/docs/errors#rate_limited","retry_after":1000}}
` + "```" + `

- ` + "`code` and `name`" + ` say what is wrong and never change their meaning: branch on them.
- ` + "`message`" + ` is a sentence for people. It says which field is meant and where: the byte, counted from 0, and the place
  as a JSON pointer, as in ` + "`at byte 17 (/messages/0/data)`" + `. Its wording may change.
- ` + "`retry_after`" + `, in milliseconds, stands where waiting helps; over HTTP the header ` + "`Retry-After`" + ` says the same
  in seconds. 429 and 503 always have both.

Over WebSocket the same object stands in the answer to a command, and codes below 4300 close the connection with that code. The
range says what a client should do. The JS client does it by itself.

| codes | what to do |
|---|---|
| 4000 to 4099 | Stop. The same would fail again. |
| 4100 to 4199 | Wait, longer each time, and reconnect. |
| 4200 to 4299 | Reconnect now. |
| 4300 to 4399 | This request was refused; the connection lives on. |

A publish that was answered with 503, 500 or not at all may be repeated with the same ` + "`id`" + `: it is stored once.
`

func errorsPage() []byte {
	page := bytes.NewBufferString(errorsHead)
	for i, title := range []string{"Stop", "Back off", "Reconnect", "Refused"} {
		from := wire.Code(4000 + 100*i)
		fmt.Fprintf(page, "\n## %s: %d to %d\n", title, int(from), int(from)+99)
		for _, entry := range wire.Codes() {
			if entry.Code >= from && entry.Code < from+100 {
				fmt.Fprintf(page, "\n### %s\n\n`%d`, HTTP `%d`. ", entry.Name, int(entry.Code), entry.Status)
				fmt.Fprintf(page, "%s.\n%s\n", sentence(entry.Text), entry.Advice)
			}
		}
	}
	return page.Bytes()
}

// sentence begins with a capital letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
