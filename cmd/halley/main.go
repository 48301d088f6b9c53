// Halley is a push service in one program: see README.md at the root, or run halley --help.
//
// This package reads the command line and wires the other packages together. It decides nothing about tenants, channels or
// clients. Start reading at serve.go, which is the wiring diagram; commands.go lists the commands, config.go what can be set, and
// the package edge is what stands between the sockets and the handlers.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:], process{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}))
}

// untilSignal returns a context that ends with the first signal to stop, which asks. By then signals have their usual effect again, so that
// the second one ends the process at once.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	})
	return ctx, func() {
		cancel()
		waiting.Wait()
	}
}

// run executes one command line and returns the exit code.
func run(arguments []string, p process) int {
	ctx, stop := untilSignal()
	defer stop()
	p.ctx = ctx

	helped := false
	grammar := &commands{}
	parser, err := newParser(grammar, p, func(int) { helped = true })
	if err != nil {
		return fail(p, err)
	}
	command, err := parser.Parse(arguments)
	switch {
	case helped:
		return exitOK
	case err != nil:
		return fail(p, err)
	}
	if err := command.Run(&p, grammar.Log, &grammar.Admin); err != nil {
		return fail(p, err)
	}
	return exitOK
}
