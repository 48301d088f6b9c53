package pusher_test

import (
	"net/url"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]pusher.Target{
		"/apps/3/events":                                {Call: pusher.CallEvents, Number: "3"},
		"/apps/3/batch_events":                          {Call: pusher.CallBatch, Number: "3"},
		"/apps/3/channels":                              {Call: pusher.CallChannels, Number: "3"},
		"/apps/3/channels/news":                         {Call: pusher.CallChannel, Number: "3", Name: "news"},
		"/apps/3/channels/a%40b":                        {Call: pusher.CallChannel, Number: "3", Name: "a@b"},
		"/apps/3/channels/a%2Fb":                        {Call: pusher.CallChannel, Number: "3", Name: "a/b"},
		"/apps/3/channels/presence-a/users":             {Call: pusher.CallUsers, Number: "3", Name: "presence-a"},
		"/apps/3/channels/news/events":                  {Call: pusher.CallChannelEvents, Number: "3", Name: "news"},
		"/apps/3/channels/news/stats":                   {Call: pusher.CallStats, Number: "3", Name: "news"},
		"/apps/3/users/7/terminate_connections":         {Call: pusher.CallTerminate, Number: "3", Name: "7"},
		"/apps/3/users/a/b c%20ë/terminate_connections": {Call: pusher.CallTerminate, Number: "3", Name: "a/b c ë"},
		"/users/7/terminate_connections":                {Call: pusher.CallTerminate, Name: "7"},
		"/apps/x/events":                                {Call: pusher.CallEvents, Number: "x"},
	} {
		if got, found := pusher.ParsePath(path); !found || got != want {
			t.Errorf("ParsePath(%q) = %+v, %v", path, got, found)
		}
	}
	for _, path := range []string{
		"", "/", "/apps", "/apps/", "/apps/3", "/apps/3/", "/apps/3/event", "/apps/3/events/", "/apps/3/channels/", "/apps/3/channels//users",
		"/apps/3/channels/news/", "/apps/3/channels/news/other", "/apps/3/channels/news/users/x", "/apps/3/channels/%zz",
		"/apps/3/users//terminate_connections", "/apps/3/users/7", "/users/", "/users/terminate_connections", "/channels", "/v1/channels",
		"/apps/3/channelsx", "//apps/3/events", "/apps//events", "/apps//channels", "/apps//users/7/terminate_connections",
	} {
		if got, found := pusher.ParsePath(path); found {
			t.Errorf("ParsePath(%q) = %+v", path, got)
		}
	}
}

// FuzzParsePath holds that what is named in a path is found again.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"/apps/3/events", "/apps/3/users/a/terminate_connections", "/users/a/terminate_connections", "a", "%", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		target, found := pusher.ParsePath(path)
		if found && (target.Call == 0 || strings.Contains(target.Number, "/")) {
			t.Errorf("ParsePath(%q) = %+v", path, target)
		}
		if path == "" {
			return
		}
		for _, around := range [][2]string{
			{"/apps/3/channels/", ""}, {"/apps/3/channels/", "/users"}, {"/apps/3/users/", "/terminate_connections"},
		} {
			target, found := pusher.ParsePath(around[0] + url.PathEscape(path) + around[1])
			if !found || target.Name != path || target.Number != "3" {
				t.Errorf("%q between %q is read as %+v", path, around, target)
			}
		}
	})
}
