package sockjs_test

import (
	"strings"
	"testing"

	"halley/pushnode/sockjs"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]sockjs.Target{
		"/pusher/app/abc/042/0123abcd/xhr_streaming": {Call: sockjs.CallStream, Key: "abc", Conversation: "abc/042/0123abcd"},
		"/pusher/app/a.b_-C/7/v_-Z/xhr":              {Call: sockjs.CallPoll, Key: "a.b_-C", Conversation: "a.b_-C/7/v_-Z"},
		"/pusher/app/abc/7/0123abcd/xhr_send":        {Call: sockjs.CallSend, Key: "abc", Conversation: "abc/7/0123abcd"},
	} {
		if got, found := sockjs.ParsePath(path); !found || got != want {
			t.Errorf("%s: got %+v, %v", path, got, found)
		}
	}
	for _, path := range []string{
		"", "/", "/pusher/app/", "/pusher/app/abc", "/pusher/app/abc/1/x", "/pusher/app/abc/1/x/", "/pusher/app/abc/1/x/jsonp",
		"/pusher/app/abc/1/x/xhr/", "/pusher/app//1/x/xhr", "/pusher/app/abc//x/xhr", "/pusher/app/abc/1//xhr", "/app/abc/1/x/xhr",
		"/pusher/app/abc/1/a.b/xhr", "/pusher/app/abc/1/é/xhr", "/pusher/app/a b/1/x/xhr", "/pusher/app/abc/1/x/y/xhr",
		"/pusher/app/abc/12345678901234567/x/xhr", "/pusher/app/abc/1/" + strings.Repeat("x", 65) + "/xhr",
		"/pusher/app/" + strings.Repeat("x", 65) + "/1/x/xhr",
	} {
		if got, found := sockjs.ParsePath(path); found {
			t.Errorf("%s is taken for %+v", path, got)
		}
	}
}

// FuzzParsePath holds that a conversation has one path for each call, and no other conversation has it.
func FuzzParsePath(f *testing.F) {
	f.Add("/pusher/app/abc/042/0123abcd/xhr_streaming")
	f.Add("/pusher/app/abc/042/0123abcd/xhr")
	f.Add("/pusher/app/abc/042/0123abcd/xhr_send")
	f.Add("/pusher/app/../x/xhr")
	calls := map[sockjs.Call]string{sockjs.CallStream: "/xhr_streaming", sockjs.CallPoll: "/xhr", sockjs.CallSend: "/xhr_send"}
	f.Fuzz(func(t *testing.T, path string) {
		target, found := sockjs.ParsePath(path)
		if !found {
			if target != (sockjs.Target{}) {
				t.Errorf("nothing at %q is %+v", path, target)
			}
			return
		}
		if sockjs.Prefix+target.Conversation+calls[target.Call] != path || !strings.HasPrefix(target.Conversation, target.Key+"/") {
			t.Errorf("%q is taken for %+v", path, target)
		}
	})
}
