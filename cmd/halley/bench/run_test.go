package bench

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"halley/test/fakepush"
)

// small is a load that a test bears.
func small(mode Mode) Options {
	o := DefaultOptions(mode)
	o.Subscribers, o.Connections, o.Channels, o.Bytes = 5, 4, 6, 64
	o.Duration, o.Settle, o.Patience = 100*time.Millisecond, time.Millisecond, 20*time.Second
	return o
}

func runAgainst(t *testing.T, fault fakepush.Fault, o Options) (*Result, error) {
	t.Helper()
	server := fakepush.Start(t, fault, false)
	target, err := NewTarget(server.URL, false, Halley{Key: "hl_sk_x", PublishableKey: "hl_pk_x"})
	if err != nil {
		t.Fatal(err)
	}
	return Run(t.Context(), target, o)
}

// Each load finds a server that does what it should sound, over each transport.
func TestRunIsSound(t *testing.T) {
	t.Parallel()
	paced := small(Fanout)
	paced.Rate = 100
	busy := small(Fanout)
	busy.InFlight = 4
	streams := small(Fanout)
	streams.Transport = SSE
	for name, o := range map[string]Options{
		"fanout": small(Fanout), "paced": paced, "in flight": busy, "streams": streams, "idle": small(Idle), "connect": small(Connect),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := runAgainst(t, fakepush.None, o)
			if err != nil || !got.Sound() {
				t.Fatalf("%+v, %v", got, err)
			}
			deliveries := uint64(got.Connections) * got.Published
			if got.Mode != Connect && (got.Published == 0 || got.Delivered != deliveries || got.Delivery.Max == 0 || got.WireBytes < 64) {
				t.Errorf("%+v", got)
			}
			if got.Mode != Fanout && (got.Connections != 4 || got.Connect.Max == 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TLS is read by a goroutine for each connection.
func TestRunOverTLS(t *testing.T) {
	t.Parallel()
	server := fakepush.Start(t, fakepush.None, true)
	target, err := NewTarget(server.URL, false, Halley{})
	if err != nil {
		t.Fatal(err)
	}
	target.Roots = x509.NewCertPool()
	target.Roots.AddCert(server.Certificate())
	got, err := Run(t.Context(), target, small(Fanout))
	if err != nil || !got.Sound() || got.Delivered == 0 || got.Delivered != 5*got.Published {
		t.Errorf("%+v, %v", got, err)
	}
}

// A server that loses, doubles or disorders is found out.
func TestRunFindsFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[fakepush.Fault]Result{
		fakepush.Drop: {Lost: 1}, fakepush.Double: {Duplicated: 1}, fakepush.Late: {Disordered: 1},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			o := small(Fanout)
			o.Rate, o.Duration = 100, 500*time.Millisecond // the message after one that is late does not wait for it
			if fault == fakepush.Drop {
				o.Patience = 2 * time.Second // it is waited for in vain
			}
			got, err := runAgainst(t, fault, o)
			if err != nil {
				t.Fatal(err)
			}
			if got.Lost != want.Lost || got.Duplicated != want.Duplicated || got.Disordered != want.Disordered || got.Sound() {
				t.Errorf("lost %d, twice %d, disordered %d, want %d, %d, %d", got.Lost, got.Duplicated, got.Disordered,
					want.Lost, want.Duplicated, want.Disordered)
			}
		})
	}
}

// What ends a run is told.
func TestRunFails(t *testing.T) {
	t.Parallel()
	for fault, says := range map[fakepush.Fault]string{
		fakepush.Invent: "which nobody published", fakepush.Close: "EOF", fakepush.Refuse: "HTTP/1.1 429", fakepush.Refrain: "refused",
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			o := small(Fanout)
			o.Duration = time.Minute
			if got, err := runAgainst(t, fault, o); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%+v, %v, want an error that says %q", got, err, says)
			}
		})
	}
	silent := small(Idle)
	silent.Settle = time.Minute
	if _, err := runAgainst(t, fakepush.Leave, silent); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("a server that closes what is idle: %v", err)
	}
	if _, err := runAgainst(t, fakepush.Refrain, small(Connect)); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a server without tokens: %v", err)
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := fakepush.Start(t, fakepush.None, false)
	target, err := NewTarget(server.URL, false, Halley{})
	if err != nil {
		t.Fatal(err)
	}
	o := small(Fanout)
	o.Duration, o.Rate, o.Progress = time.Minute, 1, stopper(cancel)
	if _, err := Run(ctx, target, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was stopped says %v", err)
	}
}

// stopper stops a run at its first line of progress.
type stopper context.CancelFunc

func (s stopper) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("5 connected")) {
		s()
	}
	return len(p), nil
}

func TestOptionsAreBounded(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*Options){
		"--subscribers 0":          func(o *Options) { o.Subscribers = 0 },
		"--subscribers 2000000":    func(o *Options) { o.Subscribers = 2_000_000 },
		"more open files":          func(o *Options) { o.Subscribers = maxSubscribers },
		"--in-flight 0":            func(o *Options) { o.InFlight = 0 },
		"--rate -1":                func(o *Options) { o.Rate = -1 },
		"--bytes 31":               func(o *Options) { o.Bytes = 31 },
		"--channels 10000":         func(o *Options) { o.Channels = 10_000 },
		"--connections 0":          func(o *Options) { o.Connections = 0 },
		"--connections 1025: want": func(o *Options) { o.Mode, o.Connections = Publish, 1025 },
		"--duration 11m0s":         func(o *Options) { o.Duration = 11 * time.Minute },
		"--settle -1ns":            func(o *Options) { o.Settle = -1 },
		"--patience 0s":            func(o *Options) { o.Patience = 0 },
	} {
		o := small(Fanout)
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want an error that says %q", err, says)
		}
	}
	for _, mode := range []Mode{Fanout, Publish, Idle, Connect} {
		if err := DefaultOptions(mode).Validate(); err != nil {
			t.Errorf("the defaults of %s: %v", mode, err)
		}
	}
}

func TestTargetsAreOnThisMachine(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost": true, "https://[::1]:443/x": true, "http://127.9.9.9:1": true,
		"http://example.com": false, "http://10.0.0.1:80": false, "ftp://127.0.0.1": false, "127.0.0.1:8080": false, "http://": false,
	} {
		if _, err := NewTarget(address, false, Halley{}); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	target, err := NewTarget("https://example.com", true, Halley{})
	if err != nil || target.URL.Host != "example.com:443" {
		t.Errorf("with --remote: %+v, %v", target, err)
	}
}
