package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"halley/cmd/halley/bench"
)

// load is a small one.
func load(mode bench.Mode) bench.Options {
	o := bench.DefaultOptions(mode)
	o.Subscribers, o.InFlight, o.Connections, o.Channels = 20, 4, 5, 7
	o.Duration, o.Settle, o.Patience = 100*time.Millisecond, time.Millisecond, 20*time.Second
	return o
}

// wantSound runs all loads against a floor.
func wantSound(t *testing.T, target *bench.Target) {
	t.Helper()
	for _, mode := range []bench.Mode{bench.Fanout, bench.Publish, bench.Idle, bench.Connect} {
		for _, size := range []int{payload, 1000, 70_000} { // a frame has a length of one, three or nine bytes
			o := load(mode)
			o.Bytes = size
			got, err := bench.Run(t.Context(), target, o)
			if err != nil || !got.Sound() || mode != bench.Connect && got.Delivered == 0 {
				t.Errorf("%s of %d bytes: %+v, %v", mode, size, got, err)
			}
		}
	}
}

func TestFloorInGo(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2, 3} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f := &goFloor{workers: workers, channels: make(map[string][]follower)}
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := f.serve(listener); err != nil {
				t.Errorf("the floor ended: %v", err)
			}
		})
		target, err := bench.NewTarget("http://"+listener.Addr().String(), false, plain{subscribe: "/", publish: "/"})
		if err != nil {
			t.Fatal(err)
		}
		wantSound(t, target)
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		for _, channel := range f.channels {
			for _, one := range channel {
				one.conn.Close()
			}
		}
	}
}

func TestFloorInC(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "floor")
	output, err := exec.CommandContext(t.Context(), "cc", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
		"-o", program, filepath.Join("floor", "floor.c")).CombinedOutput()
	if err != nil {
		t.Fatalf("cc: %v\n%s", err, output)
	}
	target, end, err := floorAt(program)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantSound(t, target)
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestFloorIsToldItsPort(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{nil, {"1"}, {"0", "8080"}, {"1", "65536"}, {"x", "8080"}} {
		if err := serveFloor(arguments); err == nil {
			t.Errorf("floor %q serves", arguments)
		}
	}
}
