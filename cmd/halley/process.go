package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"halley/tenant"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // the command line, the environment or the configuration file asks for what cannot be
)

// process is what a command sees of its process.
type process struct {
	ctx    context.Context // ends with the first signal to stop
	stdin  io.Reader
	stdout io.Writer // what was asked for
	stderr io.Writer // the log, and why something failed
}

// fail tells the reason and returns the exit code for it.
func fail(p process, err error) int {
	fmt.Fprintln(p.stderr, "halley:", err)
	if _, invalid := errors.AsType[*tenant.InvalidError](err); invalid {
		return exitUsage
	}
	usage, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return exitFailure
	}
	if selected := usage.Context.Selected(); selected != nil {
		fmt.Fprintf(p.stderr, "Run \"%s --help\" for more.\n", selected.FullPath())
	} else {
		fmt.Fprintln(p.stderr, `Run "halley --help" for more.`)
	}
	return exitUsage
}
