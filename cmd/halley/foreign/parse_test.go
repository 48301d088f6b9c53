package foreign_test

import (
	"maps"
	"strings"
	"testing"

	"halley/cmd/halley/foreign"
	"halley/tenant"
)

// The four ways in which servers write the same app down.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a table's rows": `{"id":"100200","key":"k1","secret":"a-long-s3cret-text","max_connections":200,"enable_client_messages":1,"enabled":true,
			"max_backend_events_per_sec":-1,"max_client_events_per_sec":100,"max_read_req_per_sec":50,"webhooks":"[]",
			"max_presence_members_per_channel":30,"max_event_payload_in_kb":100,"max_event_batch_size":null}`,
		"camel case": `[{"id":100200,"key":"k1","secret":"a-long-s3cret-text","maxConnections":"200","enableClientMessages":true,"enabled":"1",
			"maxBackendEventsPerSecond":-1,"maxClientEventsPerSecond":100,"maxReadRequestsPerSecond":"50","webhooks":[],
			"maxPresenceMembersPerChannel":30,"maxEventPayloadInKb":100}]`,
		"Pascal case": `{"apps":[{"AppId":"100200","AppKey":"k1","AppSecret":"a-long-s3cret-text","MaxConnections":200,"EnableClientMessages":true,
			"Enabled":true,"MaxBackendEventsPerSecond":-1,"MaxClientEventsPerSecond":100,"MaxReadRequestsPerSecond":50,
			"MaxPresenceMembersPerChannel":30,"MaxEventPayloadInKb":100}]}`,
		"configuration": `{"debug":true,"appManager":{"array":{"apps":[{"id":"100200","key":"k1","secret":"a-long-s3cret-text","maxConnections":200,
			"enableClientMessages":true,"maxBackendEventsPerSecond":-1,"maxClientEventsPerSecond":100,"maxReadRequestsPerSecond":50,
			"maxPresenceMembersPerChannel":30,"maxEventPayloadInKb":100}]}}}`,
		"configuration with dots": `{"appManager.array.apps":[{"id":"100200","key":"k1","secret":"a-long-s3cret-text","maxConnections":200,
			"enableClientMessages":true,"maxBackendEventsPerSecond":-1,"maxClientEventsPerSecond":100,"maxReadRequestsPerSecond":50,
			"maxPresenceMembersPerChannel":30,"maxEventPayloadInKb":100}]}`,
	} {
		apps, err := foreign.Parse([]byte(text))
		if err != nil || len(apps) != 1 {
			t.Fatalf("%s: %d apps, %v", name, len(apps), err)
		}
		got := apps[0]
		if got.Credentials.Number != "100200" || got.Credentials.Key != "k1" || got.Credentials.Secret.Reveal() != "a-long-s3cret-text" || !got.Enabled {
			t.Errorf("%s: %+v", name, got)
		}
		if want := (tenant.PusherSettings{ClientEvents: true, EventBytes: 102_400}); got.Settings != want {
			t.Errorf("%s: settings %+v, want %+v", name, got.Settings, want)
		}
		limits := tenant.Overrides{
			tenant.LimitConnections: 200, tenant.LimitAPIRequestsPerSecond: 50, tenant.LimitPresenceMembers: 30,
			tenant.LimitMessageBytes: 204_800,
		}
		if !maps.Equal(got.Limits, limits) {
			t.Errorf("%s: limits %v, want %v", name, got.Limits, limits)
		}
		if len(got.Left) != 2 {
			t.Errorf("%s: left %v, want two: publishes without a bound, and client events", name, got.Left)
		}
	}
}

func TestLeft(t *testing.T) {
	t.Parallel()
	apps, err := foreign.Parse([]byte(`{"id":"1","key":"k","secret":"s","enabled":false,"maxConnections":1e12,"webhooks":[{"url":"x"}],
		"colour":"red","max_message_size":10000,"allowed_origins":["*"]} {"id":"2","key":"k2","secret":"0123456789abcdef","max_event_payload_in_kb":0.5}`))
	if err != nil || len(apps) != 2 {
		t.Fatalf("%d apps, %v", len(apps), err)
	}
	first := apps[0]
	if first.Enabled || first.Settings.EventBytes != 10_000 || first.Limits.Validate() != nil {
		t.Errorf("got %+v", first)
	}
	for name, word := range map[string]string{
		"webhooks": "console", "colour": "no such setting", "maxConnections": "at most", "allowed_origins": "settings",
		"secret": "roll the key",
	} {
		if !strings.Contains(first.Left[name], word) {
			t.Errorf("%s: %q, want %q", name, first.Left[name], word)
		}
	}
	if second := apps[1]; second.Settings.EventBytes != 512 || len(second.Left) != 0 {
		t.Errorf("the app behind it: %+v", second)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for text, word := range map[string]string{
		"":                              "SOKETI_DEFAULT_APP_ID",
		"[]":                            "no app",
		"[1]":                           "an element",
		`{"id":"1","key":"k"`:           "no JSON",
		`{"id":"1","id":"2"}`:           "no JSON",
		`{"id":"1","key":"k"}`:          "secret",
		`{"key":"k","secret":"hidden"}`: "app id",
		`{"id":"1","key":"k","secret":"hidden","max_connections":1,"maxConnections":2}`:   "same setting",
		`{"id":"1","key":"k","secret":"hidden","maxConnections":"many"}`:                  "no number",
		`{"id":"1","key":"k","secret":"hidden","maxConnections":"NaN"}`:                   "no number",
		`{"id":"1","key":"k","secret":"hidden","enabled":"maybe"}`:                        "neither true nor false",
		`[{"id":"1","key":"k","secret":"hidden"},{"id":"1","key":"l","secret":"hidden"}]`: "twice",
		`{"id":12345678901234567890,"key":"k","secret":"hidden"}`:                         "app id",
		`{"id":"1","key":"k","secret":"hidden"} hidden`:                                   "no JSON",
		"PUSHER_APP_ID=1\nPUSHER_APP_SECRET=hidden":                                       "PUSHER_APP_KEY",
		"SOKETI_APP_MANAGER_ARRAY_APPS='[{]'":                                             "no JSON",
	} {
		_, err := foreign.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q and no secret", text, err, word)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	text := `
# Broadcasting
BROADCAST_CONNECTION=reverb
export REVERB_APP_ID=313233 # the one in production
REVERB_APP_KEY="reverb-key"
REVERB_APP_SECRET='reverb#secret'
REVERB_APP_MAX_CONNECTIONS=70
PUSHER_APP_ID=
PUSHER_APP_KEY=
PUSHER_APP_SECRET=
PUSHER_APP_CLUSTER=mt1
SOKETI_DEFAULT_APP_ID=app-id
SOKETI_DEFAULT_APP_KEY=app-key
SOKETI_DEFAULT_APP_SECRET=app-secret
SOKETI_DEFAULT_APP_MAX_CONNS=80
SOKETI_DEFAULT_APP_ENABLE_CLIENT_MESSAGES=true
DEFAULT_APP_ID=app-id
DEFAULT_APP_KEY=app-key
DEFAULT_APP_SECRET=app-secret
`
	apps, err := foreign.Parse([]byte(text))
	if err != nil || len(apps) != 2 {
		t.Fatalf("%d apps, %v; want soketi's, once, and Reverb's", len(apps), err)
	}
	soketi, reverb := apps[0], apps[1]
	if soketi.Credentials.Number != "app-id" || soketi.Credentials.Secret.Reveal() != "app-secret" || !soketi.Settings.ClientEvents ||
		soketi.Settings.EventBytes != 102_400 || soketi.Limits[tenant.LimitConnections] != 80 || soketi.Left["SOKETI_DEFAULT_APP_SECRET"] == "" {
		t.Errorf("soketi's: %+v", soketi)
	}
	if reverb.Credentials.Number != "313233" || reverb.Credentials.Key != "reverb-key" ||
		reverb.Credentials.Secret.Reveal() != "reverb#secret" || reverb.Limits[tenant.LimitConnections] != 70 ||
		reverb.Settings.EventBytes != tenant.DefaultPusherEventBytes {
		t.Errorf("Reverb's: %+v", reverb)
	}
	plain, err := foreign.Parse([]byte(`{"id":"1","key":"k","secret":"s","max_event_payload_in_kb":null}`))
	if err != nil || plain[0].Settings.EventBytes != 102_400 || plain[0].Limits[tenant.LimitMessageBytes] != 204_800 {
		t.Errorf("an app of which nothing is said: %+v, %v; want soketi's 100 kB", plain, err)
	}
	listed, err := foreign.ParseEnvironment([]string{
		`SOKETI_APP_MANAGER_ARRAY_APPS=[{"id":"1","key":"a","secret":"s"},{"id":"2","key":"b","secret":"s"}]`,
	})
	if err != nil || len(listed) != 2 {
		t.Errorf("a list in a variable: %d apps, %v", len(listed), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"1","key":"k","secret":"hidden-secret","maxConnections":1,"max_event_payload_in_kb":3}`))
	f.Add([]byte(`{"appManager":{"array":{"apps":[{"AppId":1,"AppKey":"k","AppSecret":"s"}]}}}`))
	f.Add([]byte("export SOKETI_DEFAULT_APP_ID='1'\nDEFAULT_APP_KEY=2 # x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		apps, err := foreign.Parse(text)
		if err == nil && len(apps) == 0 {
			t.Error("neither an app nor an error")
		}
		for _, app := range apps { // whatever is read can be imported
			if app.Credentials.Validate() != nil || app.Settings.Validate() != nil || app.Limits.Validate() != nil {
				t.Errorf("read and no good: %+v", app)
			}
		}
	})
}
