package pusher_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestParseUser(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"id":"ann"}`: `{"user_id":"ann"} [] false`,
		`{"id":7, "user_info": {"name": "Ann"}, "watchlist":["bob",8,"bob","eve"]}`: `{"user_id":7,"user_info":{"name":"Ann"}} [bob 8 eve] false`,
		`{"watchlist":null,"user_info":null,"other":[{}],"id":"a"}`:                 `{"user_id":"a"} [] false`,
		`{"watchlist":[],"id":"a"}`:                                                 `{"user_id":"a"} [] false`,
	} {
		user, err := pusher.ParseSignIn(data)
		if got := fmt.Sprintf("%s %v %t", user.Data(), user.Watchlist, user.Excess); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", data, got, err, want)
		}
	}
}

func TestParseUserRefuses(t *testing.T) {
	t.Parallel()
	for data, about := range map[string]string{
		``: "user_data is not", `null`: "user_data is not", `["id"]`: "user_data is not", `{"id":"a"`: "user_data is not",
		`{"id":"a","id":"b"}`: "user_data is not",
		`{}`:                  "id in", `{"id":""}`: "id in", `{"id":null}`: "id in", `{"id":{}}`: "id in", `{"id":"a\nb"}`: "id in",
		`{"id":"` + strings.Repeat("a", 129) + `"}`:                        "id in",
		`{"id":"a","user_info":"` + strings.Repeat("x", 1023) + `"}`:       "user_info in",
		`{"id":"a","watchlist":{}}`:                                        "watchlist in",
		`{"id":"a","watchlist":"bob"}`:                                     "watchlist in",
		`{"id":"a","watchlist":[null]}`:                                    "watchlist in",
		`{"id":"a","watchlist":[["b"]]}`:                                   "watchlist in",
		`{"id":"a","watchlist":["b",""]}`:                                  "watchlist in",
		`{"id":"a","watchlist":["b"` + strings.Repeat(`,1`, 200) + `,{}]}`: "watchlist in",
	} {
		if user, err := pusher.ParseSignIn(data); err == nil || !strings.HasPrefix(err.Error(), about) {
			t.Errorf("%.60s: got %+v, %v, want an error about %s", data, user, err, about)
		}
	}
}

func TestWatchlistBound(t *testing.T) {
	t.Parallel()
	ids := make([]string, pusher.MaxWatchlist)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"u%d"`, i)
	}
	for last, excess := range map[string]bool{`"u5"`: false, `"one more"`: true} {
		user, err := pusher.ParseSignIn(`{"id":"a","watchlist":[` + strings.Join(append(slices.Clone(ids), last), ",") + `]}`)
		if err != nil || len(user.Watchlist) != pusher.MaxWatchlist || user.Watchlist[99] != "u99" || user.Excess != excess {
			t.Errorf("100 users and %s: %d are watched, excess %t, %v", last, len(user.Watchlist), user.Excess, err)
		}
	}
}

func TestUserFrames(t *testing.T) {
	t.Parallel()
	for want, got := range map[string][]byte{
		`{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\": \\\"a\\\"}\"}"}`:                                                                               pusher.AppendSignedIn(nil, `{"id": "a"}`),
		`{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"online\",\"user_ids\":[\"a\"]},{\"name\":\"offline\",\"user_ids\":[\"b\",\"\\\"\"]}]}"}`: pusher.AppendWatchlist(nil, []string{"a"}, []string{"b", `"`}),
		`{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"offline\",\"user_ids\":[\"b\"]}]}"}`:                                                     pusher.AppendWatchlist(nil, nil, []string{"b"}),
	} {
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestOnlineChannels(t *testing.T) {
	t.Parallel()
	name := pusher.OnlineChannel("ann")
	if id, found := pusher.OnlineOf(name); !found || id != "ann" {
		t.Errorf("%s is of %q, %t", name, id, found)
	}
	if pusher.ValidChannel(name) || pusher.ValidTarget(name) {
		t.Errorf("%s may be named by clients or servers", name)
	}
	if id, found := pusher.OnlineOf(pusher.UserChannel("ann")); found {
		t.Errorf("the channel of a user's events is that of %q being online", id)
	}
}

// FuzzSignIn has whoever is taken for a user be one that others can watch.
func FuzzSignIn(f *testing.F) {
	f.Add(`{"id":"ann","user_info":{"a":1},"watchlist":["bob",7]}`)
	f.Add(`{"id":1.50,"watchlist":[]}`)
	f.Fuzz(func(t *testing.T, data string) {
		user, err := pusher.ParseSignIn(data)
		if err != nil {
			return
		}
		if frame := pusher.AppendSignedIn(nil, data); !json.Valid(frame) {
			t.Errorf("%s is not JSON", frame)
		}
		if frame := pusher.AppendWatchlist(nil, user.Watchlist, []string{user.ID}); !json.Valid(frame) {
			t.Errorf("%s is not JSON", frame)
		}
		for _, id := range append(user.Watchlist, user.ID) {
			if !pusher.ValidUserID(id) {
				t.Errorf("%q names a user in %q", id, data)
			}
		}
	})
}
