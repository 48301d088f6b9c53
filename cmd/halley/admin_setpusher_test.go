package main

import (
	"testing"

	"github.com/go-json-experiment/json"
)

func TestSetPusherChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	created := execute("admin", "create-app", "--data-dir", folder, "--account", "acme", "--app", "shop", "--email", "a@b.example")
	var made createdApp
	if err := json.Unmarshal([]byte(created.stdout), &made); err != nil {
		t.Fatalf("create-app: %+v, %v", created, err)
	}
	set := func(arguments ...string) (set pusherSet, got result) {
		t.Helper()
		got = execute(append([]string{"admin", "set-pusher", "--data-dir", folder, "--app", made.AppID}, arguments...)...)
		if got.code != exitOK {
			return set, got
		}
		if err := json.Unmarshal([]byte(got.stdout), &set); err != nil {
			t.Fatalf("set-pusher %v: %+v, %v", arguments, got, err)
		}
		return set, got
	}
	if _, got := set("--client-events"); got.code != exitFailure {
		t.Errorf("an app that never had Pusher: %+v", got)
	}
	first, _ := set("--enabled", "--client-events", "--event-bytes", "20000")
	if first.PusherAppID == "" || !first.Enabled || !first.ClientEvents || first.SubscriptionCounts || first.EventBytes != 20_000 {
		t.Errorf("switched on: %+v", first)
	}
	second, _ := set("--client-events=false", "--subscription-counts", "--rewind", "10")
	want := pusherSet{made.AppID, first.PusherAppID, true, false, true, 20_000, 10}
	if second != want {
		t.Errorf("changed: %+v, want %+v", second, want)
	}
	want.Enabled = false
	if third, _ := set("--enabled=false"); third != want {
		t.Errorf("switched off: %+v, want %+v", third, want)
	}
	for _, wrong := range [][]string{{"--event-bytes", "0"}, {"--rewind", "101"}, {"--rewind=-1"}} {
		if _, got := set(wrong...); got.code == exitOK {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
}
