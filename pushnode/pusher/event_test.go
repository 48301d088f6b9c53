package pusher_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

// eventBytes is the bound that the tests give.
const eventBytes = 10_240

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]pusher.Event{
		`{"name":"e","data":"d","channels":["a","private-b"]}`: {Name: "e", Data: "d", Channels: []string{"a", "private-b"}},
		`{"name":"e","data":"","channel":"a"}`:                 {Name: "e", Channels: []string{"a"}},
		`{"name":"e","data":"d","channel":"#server-to-user-7"}`: {
			Name: "e", Data: "d", Channels: []string{"#server-to-user-7"}},
		`{"name":"e","data":"d","channels":["a","b","a"],"socket_id":"1.2","info":"user_count, subscription_count"}`: {
			Name: "e", Data: "d", Channels: []string{"a", "b"}, SocketID: "1.2", Info: pusher.UserCount | pusher.SubscriptionCount},
		`{"name":"e","data":"d","channel":"a","socket_id":null,"info":null,"channels":null,"other":[{}]}`: {
			Name: "e", Data: "d", Channels: []string{"a"}},
		`{"name":"e","data":"\ud83d \u0000","channel":"a"}`: {Name: "e", Data: "\ufffd \x00", Channels: []string{"a"}},
	} {
		got, err := pusher.DecodeEvent([]byte(body), eventBytes)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}

// names is a JSON array of so many names of channels.
func names(count int) string {
	list := make([]string, count)
	for i := range list {
		list[i] = fmt.Sprint("channel-", i)
	}
	text, _ := json.Marshal(list)
	return string(text)
}

func TestEventsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", eventBytes)
	for name, row := range map[string]struct {
		body   string
		status int
		text   string
	}{
		"nothing":            {``, 400, "not valid JSON"},
		"null":               {`null`, 400, "The body is null"},
		"an array":           {`[]`, 400, "wrong type"},
		"cut off":            {`{"name":"e"`, 400, "not valid JSON"},
		"something after it": {`{"name":"e","data":"d","channel":"a"}{}`, 400, "not valid JSON"},
		"not UTF-8":          {"{\"name\":\"\xff\"}", 400, "not UTF-8"},
		"a name twice":       {`{"name":"e","name":"f","data":"d","channel":"a"}`, 400, "a name twice"},
		"no name":            {`{"data":"d","channel":"a"}`, 400, "name is missing"},
		"a long name":        {`{"name":"` + strings.Repeat("e", 201) + `","data":"d","channel":"a"}`, 400, "Invalid event name"},
		"a reserved name":    {`{"name":"pusher:error","data":"d","channel":"a"}`, 400, "Invalid event name"},
		"a broken name":      {`{"name":"\ud83d","data":"d","channel":"a"}`, 400, "Invalid event name"},
		"no data":            {`{"name":"e","channel":"a"}`, 400, "data is missing"},
		"null data":          {`{"name":"e","data":null,"channel":"a"}`, 400, "data is missing"},
		"data as an object":  {`{"name":"e","data":{},"channel":"a"}`, 400, "wrong type"},
		"much data":          {`{"name":"e","data":"` + long + `x","channel":"a"}`, 413, "The data content of this event exceeds the allowed maximum (10240 bytes)"},
		"no channel":         {`{"name":"e","data":"d"}`, 400, "channels is missing"},
		"no channels":        {`{"name":"e","data":"d","channels":[]}`, 400, "channels is missing"},
		"both":               {`{"name":"e","data":"d","channels":["a"],"channel":"a"}`, 400, "both given"},
		"many channels":      {`{"name":"e","data":"d","channels":` + names(101) + `}`, 400, "101 channels"},
		"a bad channel":      {`{"name":"e","data":"d","channels":["a","b c"]}`, 400, "Invalid channel name: \"b c\""},
		"an empty channel":   {`{"name":"e","data":"d","channels":[""]}`, 400, "Invalid channel name"},
		"no user":            {`{"name":"e","data":"d","channels":["#server-to-user-"]}`, 400, "Invalid channel name"},
		"a bad socket id":    {`{"name":"e","data":"d","channel":"a","socket_id":"1"}`, 400, "Invalid socket id"},
		"a bad attribute":    {`{"name":"e","data":"d","channel":"a","info":"cache"}`, 400, "info should be a comma separated list of attributes"},
		"deep JSON":          {strings.Repeat("[", 50_000), 400, ""},
		"a deep field":       {`{"x":` + strings.Repeat("[", 50_000), 400, "not valid JSON"},
	} {
		_, err := pusher.DecodeEvent([]byte(row.body), eventBytes)
		fault, is := errors.AsType[*pusher.Fault](err)
		if !is || fault.Status != row.status || !strings.Contains(fault.Text, row.text) {
			t.Errorf("%s: got %v, want %d %q", name, err, row.status, row.text)
		}
	}
	for _, body := range []string{
		`{"name":"e","data":"` + long + `","channel":"a"}`, `{"name":"` + strings.Repeat("é", 200) + `","data":"d","channels":` + names(100) + `}`,
	} {
		if _, err := pusher.DecodeEvent([]byte(body), eventBytes); err != nil {
			t.Errorf("at the bound: %v", err)
		}
	}
}

func TestDecodeBatch(t *testing.T) {
	t.Parallel()
	const one = `{"channel":"a","name":"e","data":"1","info":"subscription_count"}`
	got, err := pusher.DecodeBatch([]byte(`{"batch":[`+one+`,{"channel":"b","name":"f","data":"2","socket_id":"1.2"}]}`), eventBytes)
	want := []pusher.Event{
		{Name: "e", Data: "1", Channels: []string{"a"}, Info: pusher.SubscriptionCount},
		{Name: "f", Data: "2", Channels: []string{"b"}, SocketID: "1.2"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for body, want := range map[string]string{
		`{}`:               "batch is missing",
		`null`:             "batch is missing",
		`{"batch":[]}`:     "batch is missing",
		`{"batch":[null]}`: "batch[0] is not an event",
		`{"batch":[` + one + `,{"channels":["a"],"name":"e","data":"1"}]}`: "batch[1] is not an event with one channel",
		`{"batch":[` + one + `,{"channel":"a","data":"1"}]}`:               "name is missing",
		`{"batch":[` + strings.Repeat(one+",", 10) + one + `]}`:            "Batch too large (11 > 10)",
		`{"batch":1}`: "wrong type",
	} {
		if _, err := pusher.DecodeBatch([]byte(body), eventBytes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
	if _, err := pusher.DecodeBatch([]byte(`{"batch":[`+strings.Repeat(one+",", 9)+one+`]}`), eventBytes); err != nil {
		t.Errorf("ten events: %v", err)
	}
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	query, err := pusher.ParseQuery("name=e&socket_id=1.2")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pusher.DecodeText("a", query, []byte(`{"x":1}`), eventBytes)
	if want := (pusher.Event{Name: "e", Data: `{"x":1}`, Channels: []string{"a"}, SocketID: "1.2"}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := pusher.DecodeText("a b", query, nil, eventBytes); err == nil {
		t.Error("a bad channel is taken")
	}
}

// FuzzDecodeEvent holds that whatever is taken keeps to the bounds, and that a fault has a status.
func FuzzDecodeEvent(f *testing.F) {
	for _, seed := range []string{
		`{"name":"e","data":"d","channels":["a"],"socket_id":"1.2","info":"user_count"}`, `{"batch":[{"channel":"a","name":"e","data":"d"}]}`,
		`null`, `{"batch":[null]}`, `{"name":1}`, `{"name":"\ud800"}`, "\xff", `[[[`, `{"batch":[{"batch":[]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		kept := bytes.Clone(body)
		single, err := pusher.DecodeEvent(body, 100)
		events := []pusher.Event{single}
		if err != nil {
			mustBeFault(t, err)
			events = nil
		}
		batch, err := pusher.DecodeBatch(body, 100)
		if err != nil {
			mustBeFault(t, err)
		}
		for _, event := range append(events, batch...) {
			if !pusher.ValidEvent(event.Name) || len(event.Data) > 100 || len(event.Channels) == 0 || len(event.Channels) > pusher.MaxChannels {
				t.Errorf("%q is read as %+v", body, event)
			}
			for _, name := range event.Channels {
				if !pusher.ValidTarget(name) {
					t.Errorf("%q is for %q", body, name)
				}
			}
		}
		if !bytes.Equal(kept, body) {
			t.Error("the body was changed")
		}
	})
}

func mustBeFault(t *testing.T, err error) {
	t.Helper()
	if fault, is := errors.AsType[*pusher.Fault](err); !is || fault.Status != 400 && fault.Status != 413 || fault.Text == "" {
		t.Errorf("the error is %#v", err)
	}
}
