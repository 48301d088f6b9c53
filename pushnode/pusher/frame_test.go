package pusher_test

import (
	"encoding/json"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	ann := must(pusher.ParseMember(`{"user_id": "ann", "user_info": {"name": "Ann \"A\"", "n": 1.0}}`))(t)
	one := must(pusher.ParseMember(`{"user_id":1}`))(t)
	for want, got := range map[string][]byte{
		`{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":30}"}`:                                         pusher.AppendEstablished(nil, "1.2", 30),
		`{"event":"client-a\"b","channel":"presence-c","data":"{\"x\": 1.0}","user_id":"1"}`:                                                         pusher.AppendEvent(nil, `client-a"b`, "presence-c", []byte(`{"x": 1.0}`), "1"),
		`{"event":"e","channel":"c","data":"text"}`:                                                                                                  pusher.AppendEvent(nil, "e", "c", []byte(`"text"`), ""),
		`{"event":"pusher_internal:subscription_succeeded","channel":"c","data":"{}"}`:                                                               pusher.AppendSubscribed(nil, "c"),
		`{"event":"pusher_internal:subscription_succeeded","channel":"c","data":"{\"presence\":{\"ids\":[],\"hash\":{},\"count\":0}}"}`:              pusher.AppendPresent(nil, "c", nil),
		`{"event":"pusher_internal:member_added","channel":"c","data":"{\"user_id\":1,\"user_info\":null}"}`:                                         pusher.AppendMemberAdded(nil, "c", one),
		`{"event":"pusher_internal:member_removed","channel":"c","data":"{\"user_id\":\"ann\"}"}`:                                                    pusher.AppendMemberRemoved(nil, "c", ann),
		`{"event":"pusher_internal:subscription_count","channel":"c","data":"{\"subscription_count\":7}"}`:                                           pusher.AppendCount(nil, "c", 7),
		`{"event":"pusher:cache_miss","channel":"c"}`:                                                                                                pusher.AppendCacheMiss(nil, "c"),
		`{"event":"pusher:subscription_error","channel":"c","data":{"type":"AuthError","error":"no \"x\"","status":401}}`:                            pusher.AppendSubscriptionError(nil, "c", "AuthError", `no "x"`, 401),
		`{"event":"pusher:error","data":{"code":null,"message":"no"}}`:                                                                               pusher.AppendError(nil, 0, "no"),
		`{"event":"pusher:error","channel":"c","data":{"code":4301,"message":"no"}}`:                                                                 pusher.AppendEventError(nil, "c", 4301, "no"),
		`{"event":"pusher:error","data":{"code":4301,"message":"no"}}`:                                                                               pusher.AppendError(nil, 4301, "no"),
		`{"event":"pusher_internal:member_added","channel":"c","data":"{\"user_id\":\"ann\",\"user_info\":{\"name\":\"Ann \\\"A\\\"\",\"n\":1.0}}"}`: pusher.AppendMemberAdded(nil, "c", ann),
	} {
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is not JSON", got)
		}
	}
}

// The hash has a key for each id, and numbers are numbers where they came as such.
func TestPresent(t *testing.T) {
	t.Parallel()
	users := pusher.Users([]pusher.Member{
		{ID: "a"}, must(pusher.ParseMember(`{"user_id":7,"user_info":[]}`))(t), must(pusher.ParseMember(`{"user_id":"7"}`))(t),
	})
	frame := pusher.AppendPresent(nil, "c", users)
	const want = `"{\"presence\":{\"ids\":[\"a\",7],\"hash\":{\"a\":null,\"7\":[]},\"count\":2}}"`
	if !strings.Contains(string(frame), want) {
		t.Errorf("got %s, want %s in it", frame, want)
	}
}

// FuzzEvent has every event be JSON, whose data is the text that its publisher sent.
func FuzzEvent(f *testing.F) {
	f.Add("client-a", "presence-room", `{"a":1}`, "ann")
	f.Add("e\"\n\x00", "c", "\xff", "")
	f.Add("", "", "", "1")
	f.Fuzz(func(t *testing.T, event, channel, text, user string) {
		var frame struct {
			Event, Channel, Data string
			User                 string `json:"user_id"`
		}
		encoded := pusher.AppendEvent(nil, event, channel, pusher.DataOf(text), user)
		if err := json.Unmarshal(encoded, &frame); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if frame.Event != mended(event) || frame.Channel != mended(channel) || frame.Data != mended(text) || frame.User != mended(user) {
			t.Errorf("got %+v of %s", frame, encoded)
		}
	})
}

// mended is a text as JSON can carry it: each byte that is no UTF-8 is a U+FFFD.
func mended(text string) string { return string([]rune(text)) }

func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}
