package pusher_test

import (
	"testing"

	"halley/pushnode/pusher"
)

func TestParseInfo(t *testing.T) {
	t.Parallel()
	const all = pusher.UserCount | pusher.SubscriptionCount | pusher.CacheInfo
	for text, want := range map[string]pusher.Info{
		"":                                    0,
		"user_count":                          pusher.UserCount,
		"subscription_count,user_count,cache": all,
		" cache , user_count ":                pusher.CacheInfo | pusher.UserCount,
		"cache,cache":                         pusher.CacheInfo,
	} {
		if got, err := pusher.ParseInfo(text, all); err != nil || got != want {
			t.Errorf("ParseInfo(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"members", ",", "user_count,", "USER_COUNT", "user_count;cache", `{"info":1}`} {
		if info, err := pusher.ParseInfo(text, all); err == nil {
			t.Errorf("ParseInfo(%q) = %v", text, info)
		}
	}
	if _, err := pusher.ParseInfo("cache", pusher.UserCount); err == nil {
		t.Error("an attribute is taken that the call has not")
	}
}

// TestAnswers: libraries compare some of these as text.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const both = pusher.UserCount | pusher.SubscriptionCount
	presence := pusher.Channel{Name: "presence-a", Occupied: true, Users: 2, Subscriptions: 3}
	news := pusher.Channel{Name: `new"s`, Subscriptions: 5}
	cached := pusher.Channel{Name: "cache-a", Cached: &pusher.Cached{Data: []byte(`{"a":1}`), TTL: 1800}}
	for want, got := range map[string][]byte{
		`{"channels":{}}`: pusher.AppendChannels(nil, nil, both),
		`{"channels":{"presence-a":{},"new\"s":{}}}`:            pusher.AppendChannels(nil, []pusher.Channel{presence, news}, 0),
		`{"batch":[{"user_count":2},{"subscription_count":5}]}`: pusher.AppendBatch(nil, []pusher.Channel{presence, news}, []pusher.Info{pusher.UserCount, both}),
		`{"batch":[{}]}`: pusher.AppendBatch(nil, []pusher.Channel{news}, []pusher.Info{0}),
		`{"channels":{"presence-a":{"user_count":2,"subscription_count":3},"new\"s":{"subscription_count":5}}}`: pusher.AppendChannels(nil, []pusher.Channel{presence, news}, both),
		`{"occupied":true}`: presence.AppendChannel(nil, 0),
		`{"occupied":true,"user_count":2,"subscription_count":3}`:    presence.AppendChannel(nil, both),
		`{"occupied":false,"cache":{"data":"{\"a\":1}","ttl":1800}}`: cached.AppendChannel(nil, pusher.CacheInfo),
		`{"occupied":false,"subscription_count":0,"cache":null}`:     (&pusher.Channel{}).AppendChannel(nil, pusher.SubscriptionCount|pusher.CacheInfo),
		`{"users":[]}`:                          pusher.AppendUsers(nil, nil),
		`{"users":[{"id":"7"},{"id":"Zo\\ë"}]}`: pusher.AppendUsers(nil, []string{"7", `Zo\ë`}),
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
