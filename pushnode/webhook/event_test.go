package webhook

import (
	"testing"

	"halley/auth"
)

// TestBody pins what is sent, as in Pusher's documentation of webhooks.
func TestBody(t *testing.T) {
	t.Parallel()
	for want, event := range map[string]Event{
		`{"name":"channel_occupied","channel":"a"}`:                          {Kind: Occupied},
		`{"name":"channel_vacated","channel":"a"}`:                           {Kind: Vacated},
		`{"name":"member_added","channel":"a","user_id":"1"}`:                {Kind: MemberAdded, UserID: "1"},
		`{"name":"member_removed","channel":"a","user_id":"\"\u0001"}`:       {Kind: MemberRemoved, UserID: "\"\x01"},
		`{"name":"cache_miss","channel":"a"}`:                                {Kind: CacheMiss, UserID: "not told"},
		`{"name":"subscription_count","channel":"a","subscription_count":0}`: {Kind: SubscriptionCount},
		`{"name":"client_event","channel":"a","event":"client-x","data":"{\"a\":1.0}","socket_id":"1.2"}`: {
			Kind: ClientEvent, Name: "client-x", Data: `{"a":1.0}`, SocketID: "1.2",
		},
		`{"name":"client_event","channel":"a","event":"client-x","data":"<é�>","socket_id":"1.2","user_id":"u"}`: {
			Kind: ClientEvent, Name: "client-x", Data: "<é\xff>", SocketID: "1.2", UserID: "u",
		},
	} {
		event.Channel = "a"
		if got := string(event.append(nil)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got, want := string(Body(Event{Kind: Vacated, Channel: "a", Time: 5})), `{"time_ms":5,"events":[{"name":"channel_vacated","channel":"a"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	two := string(appendBody(nil, 17, [][]byte{[]byte("{}"), []byte("{}")}))
	if want := `{"time_ms":17,"events":[{},{}]}`; two != want {
		t.Errorf("got %s, want %s", two, want)
	}
}

// TestSignature signs a body as OpenSSL does.
func TestSignature(t *testing.T) {
	t.Parallel()
	signer := Signer{Key: "key", Secret: auth.NewSecret("7ad3773142a6692b25b8")}
	body := `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"test_channel"}]}`
	if got, want := signer.sign([]byte(body)), "709fdb84c03664445f7698120b0edf0acc1ab1c8c6e93a0368c61841d6b998aa"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWants(t *testing.T) {
	t.Parallel()
	event := &Event{Kind: Occupied, Channel: "presence-room"}
	for name, row := range map[string]struct {
		endpoint Endpoint
		wants    bool
	}{
		"everything":      {Endpoint{}, true},
		"this kind":       {Endpoint{Kinds: []Kind{Vacated, Occupied}}, true},
		"another kind":    {Endpoint{Kinds: []Kind{Vacated}}, false},
		"this prefix":     {Endpoint{Prefix: "presence-"}, true},
		"another prefix":  {Endpoint{Prefix: "private-"}, false},
		"this suffix":     {Endpoint{Suffix: "-room"}, true},
		"another suffix":  {Endpoint{Suffix: "-hall"}, false},
		"all of them":     {Endpoint{Kinds: []Kind{Occupied}, Prefix: "presence", Suffix: "m"}, true},
		"all but the end": {Endpoint{Kinds: []Kind{Occupied}, Prefix: "presence", Suffix: "n"}, false},
	} {
		if got := row.endpoint.Wants(event.Kind, event.Channel); got != row.wants {
			t.Errorf("%s: %v", name, got)
		}
	}
}
