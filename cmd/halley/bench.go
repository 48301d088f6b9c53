package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"halley/cmd/halley/bench"
)

type benchCommand struct {
	Mode string `arg:"" enum:"fanout,publish,idle,connect" help:"What to measure: fanout, publish, idle or connect."`

	URL            string `placeholder:"URL" env:"HALLEY_BENCH_URL" group:"A node that runs:" help:"A node that runs already. Default: none, one is started."`
	KeyFile        string `placeholder:"FILE" env:"HALLEY_KEY_FILE" group:"A node that runs:" help:"File that holds a secret key of an app that may be used. The environment variable HALLEY_KEY may hold it instead."`
	PublishableKey string `placeholder:"KEY" env:"HALLEY_PUBLISHABLE_KEY" group:"A node that runs:" help:"Publishable key of that app, which subscribes."`
	PusherKey      string `placeholder:"KEY" env:"HALLEY_PUSHER_KEY" group:"A node that runs:" help:"Key of that app's for Pusher's clients, which subscribes with --transport pusher."`
	PID            []int  `name:"pid" placeholder:"PID" group:"A node that runs:" help:"The node's process, if it is on this machine: its processor time and memory are then measured."`
	MetricsURL     string `placeholder:"URL" group:"A node that runs:" help:"The node's metrics, to count its goroutines: http://127.0.0.1:9090/metrics."`
	Remote         bool   `group:"A node that runs:" help:"Allow a node that is not on this machine."`

	Transport   string        `enum:"websocket,sse,pusher" default:"websocket" group:"Load:" help:"How subscribers receive: websocket, sse or pusher (a WebSocket of Pusher's protocol). Default: ${default}."`
	Subscribers int           `default:"1000" placeholder:"N" group:"Load:" help:"fanout: of the channel. publish: 0 for none, else one of each channel. Default: ${default}."`
	InFlight    int           `default:"0" placeholder:"N" group:"Load:" help:"fanout: publishes that not all subscribers have yet (1). connect: connects at once (32)."`
	Rate        int           `default:"0" placeholder:"N" group:"Load:" help:"Publishes or connects a second; 0: as fast as the rest allows. Default: ${default}."`
	Bytes       int           `default:"128" placeholder:"N" group:"Load:" help:"Size of a message's data. Default: ${default}."`
	Duration    time.Duration `default:"10s" group:"Load:" help:"How long to publish, at most 10m. Default: ${default}."`
	Connections int           `default:"0" placeholder:"N" group:"Load:" help:"publish: keep-alive connections that publish (32). idle (10000), connect (5000): connections that are opened."`
	Channels    int           `default:"100" placeholder:"N" group:"Load:" help:"publish: channels. Default: ${default}."`
	Settle      time.Duration `default:"20s" group:"Load:" help:"idle: how long nothing happens before memory is read, at most 10m. Default: ${default}."`
	Patience    time.Duration `default:"10s" group:"Load:" help:"How long until a message that has not come counts as lost. Default: ${default}."`

	JSON bool `name:"json" group:"Output:" help:"Print the result as one JSON object."`
}

// Help is the long text of --help.
func (benchCommand) Help() string {
	return `Measures one of

    fanout   one channel, many subscribers: what a delivery costs and how long it takes
    publish  many channels with one subscriber each: what a publish costs
    idle     open connections that hear nothing: what one costs in memory
    connect  a storm of connections, each with a token: what one costs to open

For each subscriber it is checked that every message came once and in order; the exit code is 1 if not. Latency is from before the
publish until a subscriber has the message. On one machine the generator takes time that the server would have: compare what the
server's processor time comes to, and mind the foreign share, which is what other programs took meanwhile.

For example

    halley bench fanout --subscribers 1000 --in-flight 16
    HALLEY_KEY=hl_sk_… halley bench publish --url http://127.0.0.1:8080 --publishable-key hl_pk_… --pid $(pidof halley)`
}

// Validate refuses what cannot be run.
func (c benchCommand) Validate() error {
	if len(c.PID) > 0 && c.URL == "" || c.MetricsURL != "" && c.URL == "" {
		return errors.New("--pid and --metrics-url belong to a node that runs: add --url")
	}
	if c.URL != "" {
		if _, err := bench.NewTarget(c.URL, c.Remote, nil); err != nil {
			return err
		}
	}
	return c.options().Validate()
}

// options are those of the mode, with what was given.
func (c benchCommand) options() bench.Options {
	o := bench.DefaultOptions(bench.Mode(c.Mode))
	o.Transport, o.Subscribers, o.Rate, o.Bytes = bench.Transport(c.Transport), c.Subscribers, c.Rate, c.Bytes
	o.Duration, o.Channels, o.Settle, o.Patience = c.Duration, c.Channels, c.Settle, c.Patience
	if c.InFlight != 0 {
		o.InFlight = c.InFlight
	}
	if c.Connections != 0 {
		o.Connections = c.Connections
	}
	return o
}

// errUnsound is that a server lost, doubled or disordered messages; how many is printed by then.
var errUnsound = errors.New("messages were lost, came twice or out of order")

// Run measures and prints.
func (c benchCommand) Run(p *process) error {
	target, closeTarget, err := c.target(p)
	if err != nil {
		return err
	}
	options := c.options()
	options.Progress = p.stderr
	result, err := bench.Run(p.ctx, target, options)
	if err := errors.Join(err, closeTarget()); err != nil {
		return err
	}
	write := bench.Write
	if c.JSON {
		write = bench.WriteJSON
	}
	if err := write(p.stdout, result); err != nil {
		return err
	}
	if !result.Sound() {
		return errUnsound
	}
	return nil
}

// target is the node that was named, or one of the run's own, and what ends it.
func (c benchCommand) target(p *process) (_ *bench.Target, closeTarget func() error, err error) {
	if c.URL == "" {
		binary, err := os.Executable()
		if err != nil {
			return nil, nil, err
		}
		fmt.Fprintln(p.stderr, "starting a node")
		node, err := bench.StartNode(p.ctx, binary)
		if err != nil {
			return nil, nil, err
		}
		return node.Target, node.Close, nil
	}
	key, err := clientConfig{KeyFile: c.KeyFile}.credential()
	if err != nil {
		return nil, nil, err
	}
	target, err := bench.NewTarget(c.URL, c.Remote, bench.Halley{Key: key.Reveal(), PublishableKey: c.PublishableKey, PusherKey: c.PusherKey})
	if err != nil {
		return nil, nil, err
	}
	target.PIDs, target.Metrics = c.PID, c.MetricsURL
	return target, func() error { return nil }, nil
}
