package main

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestMemorySize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]memorySize{
		"64MiB": 64 << 20, "8GiB": 8 << 30, "1TiB": 1 << 40, "65536KiB": 64 << 20, "67108864": 64 << 20, "67108864B": 64 << 20, "off": -1,
	} {
		var got memorySize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for text, reason := range map[string]string{
		"": "no size", "x": "no size", "GiB": "no size", "1.5GiB": "no size", "-1GiB": "no size", "8GB": "no size", "8 GiB": "no size",
		"9000000000TiB": "no size", "63MiB": "64MiB", "0": "64MiB", "OFF": "no size",
	} {
		if err := new(memorySize).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", text, err, reason)
		}
	}
}

// FuzzMemorySize reads sizes that are refused, off, or enough for a node.
func FuzzMemorySize(f *testing.F) {
	for _, text := range []string{"64MiB", "off", "", "9223372036854775807", "8388607TiB", "-5B", "1e9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got memorySize
		if err := got.UnmarshalText([]byte(text)); err == nil && got != -1 && got < leastMemory {
			t.Errorf("%q is %d", text, got)
		}
	})
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	has := func(bytes int64) func() (int64, error) { return func() (int64, error) { return bytes, nil } }
	unknown := func() (int64, error) { return 0, errors.New("not known") }
	for name, test := range map[string]struct {
		given     memorySize
		collector int64
		available func() (int64, error)
		want      int64
		from      string
	}{
		"a flag":                 {1 << 30, 1 << 20, has(1 << 40), 1 << 30, "--memory-limit"},
		"off":                    {-1, 1 << 20, has(1 << 40), 0, "--memory-limit"},
		"the collector's":        {0, 1 << 30, has(1 << 40), 1 << 30, "GOMEMLIMIT"},
		"what there is":          {0, math.MaxInt64, has(1 << 40), 3 << 38, "what there is"},
		"it is not known":        {0, math.MaxInt64, unknown, 0, "nobody: not known"},
		"a flag where it is not": {1 << 30, math.MaxInt64, unknown, 1 << 30, "--memory-limit"},
	} {
		if got, from := (memoryConfig{test.given}).limit(test.collector, test.available); got != test.want || from != test.from {
			t.Errorf("%s: %d from %s, want %d from %s", name, got, from, test.want, test.from)
		}
	}
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	if got, err := available(); err != nil || got < leastMemory {
		t.Errorf("this process may have %d bytes, %v", got, err)
	}
}

// TestNodeWithMemoryLimit has the collector and the node keep to the limit, and both ports say whether new clients are let in.
func TestNodeWithMemoryLimit(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http", "--memory-limit", "3GiB")
	_, metrics := fetch(t, client, "http://"+n.admin+"/metrics")
	for _, want := range []string{"halley_pushnode_memory_limit_bytes 3.221225472e+09", "halley_pushnode_pressure_state 0", "go_gc_gomemlimit_bytes 3.221225472e+09"} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics do not say %s", want)
		}
	}
	for _, address := range []string{n.admin, n.public} {
		response, body := fetch(t, client, "http://"+address+"/readyz/connections")
		if response.StatusCode != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", address, response.StatusCode, body)
		}
	}
	if got := execute("serve", "--memory-limit", "1MiB"); got.code != exitUsage || !strings.Contains(got.stderr, "64MiB") {
		t.Errorf("a limit that is too low: %d %s", got.code, got.stderr)
	}
}
