package pusher_test

import (
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestDecodeCommand(t *testing.T) {
	t.Parallel()
	for frame, want := range map[string]pusher.Command{
		`{"event":"pusher:subscribe","data":{"auth":"","channel":"c"}}`: {Event: "pusher:subscribe", Channel: "c"},
		`{"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"k:s","channel_data":"{\"user_id\":1}"}}`: {
			Event: "pusher:subscribe", Channel: "presence-c", Auth: "k:s", ChannelData: `{"user_id":1}`,
		},
		`{"event":"pusher:subscribe","data":"{\"channel\":\"c\",\"auth\":null}"}`:   {Event: "pusher:subscribe", Channel: "c"},
		` {"data":{"channel":"c","more":[{}]},"event":"pusher:unsubscribe","x":0} `: {Event: "pusher:unsubscribe", Channel: "c"},
		`{"event":"pusher:subscribe","data":{"channel":"c","halley":{"since":"1-0-1:7","earlier":"1.2,3.4","more":[]}}}`: {
			Event: "pusher:subscribe", Channel: "c", Resume: pusher.Resume{Since: "1-0-1:7", Earlier: "1.2,3.4"},
		},
		`{"event":"pusher:signin","data":{"auth":"k:s","user_data":"{}"}}`: {Event: "pusher:signin", Auth: "k:s", UserData: "{}"},
		`{"event":"pusher:ping"}`:                                                            {Event: "pusher:ping"},
		`{"event":"pusher:pong","data":"{}"}`:                                                {Event: "pusher:pong"},
		`{"event":"client-x","channel":"private-c","data":{"a": 1.0}}`:                       {Event: "client-x", Channel: "private-c", Data: `{"a": 1.0}`},
		`{"event":"client-x","channel":"private-c","data":"a\"b"}`:                           {Event: "client-x", Channel: "private-c", Data: `a"b`},
		`{"event":"client-x","channel":"private-c"}`:                                         {Event: "client-x", Channel: "private-c"},
		`{"event":"client-x","channel":"private-c","data":null}`:                             {Event: "client-x", Channel: "private-c", Data: "null"},
		`{"event":"client-x","channel":"private-c","data":{"a":1,"a":"\ud800"},"user_id":1}`: {Event: "client-x", Channel: "private-c", Data: `{"a":1,"a":"\ud800"}`},
	} {
		if got, err := pusher.DecodeCommand([]byte(frame)); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", frame, got, err)
		}
	}
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for _, frame := range []string{
		``, `x`, `null`, `[]`, `{}`, `{"event":1}`, `{"event":""}`, `{"event":"pusher:subscribe"}`, `{"event":"pusher:subscribe","data":[]}`,
		`{"event":"pusher:subscribe","data":{"channel":1}}`,
		`{"event":"pusher:subscribe","data":{"channel":"c","halley":1}}`, `{"event":"pusher:subscribe","data":{"channel":"c","halley":{"since":1}}}`, `{"event":"pusher:signin","data":"x"}`, `{"event":"pusher:ping"`,
		`{"event":"pusher:ping"}{}`, `{"event":"client-x","channel":{}}`, `{"event":"pusher:subscribe","data":` + deep + "x}",
		`{"event":"client-x","data":` + strings.Repeat("[", 20_000) + `}`, `{"event":"pusher:unsubscribe","data":{"channel":` + deep + `}}`,
	} {
		if got, err := pusher.DecodeCommand([]byte(frame)); err == nil {
			t.Errorf("%.80s is taken for %+v", frame, got)
		}
	}
	if got, err := pusher.DecodeCommand([]byte(`{"event":"client-x","data":` + deep + `}`)); err != nil || got.Data != deep {
		t.Errorf("deep data of a client event: %v", err)
	}
}

// FuzzDecodeCommand reads whatever clients send.
func FuzzDecodeCommand(f *testing.F) {
	f.Add(`{"event":"pusher:subscribe","data":{"channel":"c","auth":"k:s","channel_data":"{}"}}`)
	f.Add(`{"event":"pusher:signin","data":"{\"auth\":\"k:s\"}"}`)
	f.Add(`{"event":"client-x","channel":"c","data":[1,"\ud800"]}`)
	f.Add("{\"event\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, frame string) {
		command, err := pusher.DecodeCommand([]byte(frame))
		if err != nil {
			return
		}
		if command.Event == "" || len(command.Event)+len(command.Channel)+len(command.Data) > 3*len(frame) {
			t.Errorf("%q is read as %+v", frame, command)
		}
	})
}
