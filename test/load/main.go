// Command load puts a bounded load on a running node and prints what it took: publications a second over HTTP, or the time that
// paced publications need to reach many subscribers. It talks to loopback addresses only and ends by itself.
//
// It measures from outside and keeps its own cost low (hand-written requests, no allocation for a message read), because on one
// machine the generator's time is taken from the server's. It is no test: it fails only on lost, repeated or disordered messages.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags of one run.
type options struct {
	address     string
	secretKey   string
	publicKey   string
	connections int
	channels    int
	subscribers int
	rate        int
	seconds     int
	bytes       int
	pid         int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var o options
	flags := flag.NewFlagSet("load publish|fanout", flag.ExitOnError)
	flags.StringVar(&o.address, "address", "127.0.0.1:8080", "the node; loopback only")
	flags.StringVar(&o.secretKey, "secret", os.Getenv("HALLEY_KEY"), "secret key that publishes")
	flags.StringVar(&o.publicKey, "publishable", os.Getenv("HALLEY_PUBLISHABLE_KEY"), "publishable key that subscribes")
	flags.IntVar(&o.connections, "connections", 32, "publish: keep-alive connections")
	flags.IntVar(&o.channels, "channels", 100, "publish: channels")
	flags.IntVar(&o.subscribers, "subscribers", 1000, "fanout: subscribers of one channel")
	flags.IntVar(&o.rate, "rate", 25, "fanout: publications a second")
	flags.IntVar(&o.seconds, "seconds", 10, "how long; at most 120")
	flags.IntVar(&o.bytes, "bytes", 128, "size of a message's data")
	flags.IntVar(&o.pid, "pid", 0, "the node's process, to read its CPU time")
	if len(arguments) == 0 {
		flags.Usage()
		return fmt.Errorf("say publish or fanout")
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	switch arguments[0] {
	case "publish":
		return publish(o)
	case "fanout":
		return fanout(o)
	default:
		return fmt.Errorf("%q is neither publish nor fanout", arguments[0])
	}
}

func (o options) validate() error {
	address, err := net.ResolveTCPAddr("tcp", o.address)
	if err != nil {
		return err
	}
	if !address.IP.IsLoopback() {
		return fmt.Errorf("%s is not a loopback address", o.address)
	}
	if o.seconds < 1 || o.seconds > 120 {
		return fmt.Errorf("-seconds %d: 1 to 120", o.seconds)
	}
	if o.secretKey == "" {
		return fmt.Errorf("-secret or HALLEY_KEY is missing")
	}
	return nil
}

// cpuSeconds is the processor time that a process has used, by the kernel's clock of 100 ticks a second; 0 without a pid.
func cpuSeconds(pid int) float64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}

// percentiles prints the middle and the end of sorted latencies.
func percentiles(latencies []time.Duration) string {
	if len(latencies) == 0 {
		return "no latencies"
	}
	slices.Sort(latencies)
	at := func(p float64) time.Duration { return latencies[min(len(latencies)-1, int(p*float64(len(latencies))))] }
	return fmt.Sprintf("p50 %v  p99 %v  p99.9 %v  max %v",
		at(0.5).Round(10*time.Microsecond), at(0.99).Round(10*time.Microsecond),
		at(0.999).Round(10*time.Microsecond), latencies[len(latencies)-1].Round(10*time.Microsecond))
}
