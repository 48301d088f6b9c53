package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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

// usageError is a fault of what was asked for that the parser did not see.
type usageError struct{ error }

// exitError is an exit code whose reason was told already.
type exitError int

// Error names the code.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// oneLine makes one line of an error of several, as a driver writes one for each address that it tried, and says nothing twice.
func oneLine(text string) string {
	var line strings.Builder
	seen := make(map[string]bool)
	for part := range strings.Lines(text) {
		part = strings.TrimSpace(part)
		if part == "" || seen[part] {
			continue
		}
		seen[part] = true
		switch {
		case line.Len() == 0:
		case strings.HasSuffix(line.String(), ":"):
			line.WriteByte(' ')
		default:
			line.WriteString("; ")
		}
		line.WriteString(part)
	}
	return line.String()
}

// fail tells the reason and returns the exit code for it.
func fail(p process, err error) int {
	if code, told := errors.AsType[exitError](err); told {
		return int(code)
	}
	fmt.Fprintln(p.stderr, "halley:", oneLine(err.Error()))
	if _, invalid := errors.AsType[*tenant.InvalidError](err); invalid {
		return exitUsage
	}
	if _, invalid := errors.AsType[usageError](err); invalid {
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
