package main

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"halley/test/fakepush"
)

// benchJSON is what a test reads of the object that bench prints.
type benchJSON struct {
	Mode        string             `json:"mode"`
	Connections int                `json:"connections"`
	Published   int                `json:"published"`
	Delivered   int                `json:"delivered"`
	Lost        int                `json:"lost"`
	Duplicated  int                `json:"duplicated"`
	Disordered  int                `json:"disordered"`
	Delivery    map[string]float64 `json:"delivery_ms"`
	Server      *struct {
		CPU        float64 `json:"cpu_us"`
		RSS        int     `json:"rss_bytes"`
		Goroutines int     `json:"goroutines"`
	} `json:"server"`
}

// Each load is measured on a real node, which loses nothing.
func TestBenchMeasuresANode(t *testing.T) {
	t.Parallel()
	const quick = " --json --duration 200ms --settle 1ms"
	for load, connections := range map[string]int{
		"fanout --subscribers 20 --in-flight 4":               20,
		"fanout --subscribers 10 --rate 50 --transport sse":   10,
		"publish --connections 4 --channels 6":                6,
		"publish --connections 4 --channels 2":                2,
		"publish --connections 2 --subscribers 0":             0,
		"idle --connections 30":                               30,
		"connect --connections 20 --in-flight 4 --rate 10000": 20,
	} {
		t.Run(load, func(t *testing.T) {
			got := halley(t, nil, append([]string{"bench"}, strings.Fields(load+quick)...)...)
			var result benchJSON
			if err := json.Unmarshal([]byte(got.stdout), &result); err != nil || got.code != exitOK {
				t.Fatalf("exit code %d, %v:\n%s%s", got.code, err, got.stdout, got.stderr)
			}
			if result.Connections != connections || result.Server == nil || result.Server.RSS == 0 || result.Server.Goroutines == 0 {
				t.Errorf("%+v", result)
			}
			each := connections // that a message goes to
			if result.Mode == "publish" {
				each = min(connections, 1)
			}
			if result.Mode != "connect" && (result.Published == 0 || result.Delivered != each*result.Published) {
				t.Errorf("%d published, %d delivered", result.Published, result.Delivered)
			}
		})
	}
}

// A node that runs is measured as a client would see it.
func TestBenchMeasuresANodeThatRuns(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	app := n.createApp()
	got := halley(t, []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_PUBLISHABLE_KEY=" + app.PublishableKey},
		"bench", "fanout", "--url", "http://"+n.public, "--subscribers", "5", "--rate", "50", "--duration", "200ms")
	if got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if !strings.Contains(got.stdout, "lost, twice, disordered  0, 0, 0") || strings.Contains(got.stdout, "server CPU") {
		t.Errorf("it prints\n%s", got.stdout)
	}
}

// A server that loses or doubles is no server to be measured: the exit code says so.
func TestBenchFailsOnFaults(t *testing.T) {
	for fault, want := range map[fakepush.Fault]benchJSON{
		fakepush.None: {}, fakepush.Drop: {Lost: 1}, fakepush.Double: {Duplicated: 1}, fakepush.Late: {Disordered: 1},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Setenv("HALLEY_KEY", "hl_sk_x")
			server := fakepush.Start(t, fault, false)
			got := execute("bench", "fanout", "--url", server.URL, "--subscribers", "3", "--rate", "100", "--duration", "500ms",
				"--patience", "2s", "--json")
			var result benchJSON
			if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
				t.Fatalf("%v: %+v", err, got)
			}
			if result.Lost != want.Lost || result.Duplicated != want.Duplicated || result.Disordered != want.Disordered {
				t.Errorf("lost %d, twice %d, disordered %d", result.Lost, result.Duplicated, result.Disordered)
			}
			code, says := exitFailure, "halley: "+errUnsound.Error()+"\n"
			if fault == fakepush.None {
				code, says = exitOK, ""
			}
			if got.code != code || !strings.HasSuffix(got.stderr, says) {
				t.Errorf("exit code %d, said %q; want %d and %q", got.code, got.stderr, code, says)
			}
		})
	}
}
