package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"halley/cmd/halley/bench"
)

// errMissing is that this machine lacks what a server needs: it is left out.
var errMissing = errors.New("left out")

// servers builds those that were chosen, the floor in C first. What is not to be had here is left out and said.
func servers(ctx context.Context, folder, list string, stderr io.Writer) ([]server, error) {
	var all []server
	for _, build := range []func(context.Context, string) ([]server, error){floorInC, floorInGo, halley, nchan} {
		built, err := build(ctx, folder)
		if errors.Is(err, errMissing) {
			fmt.Fprintln(stderr, "bench:", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range built {
			if chosen(s.name, list) {
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no server is called %q", list)
	}
	return all, nil
}

// floorInC is floor/floor.c, if there is a compiler.
func floorInC(ctx context.Context, folder string) ([]server, error) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return nil, fmt.Errorf("the floor in C is %w: no C compiler", errMissing)
	}
	program := filepath.Join(folder, "floor")
	if err := build(ctx, compiler, "-O2", "-o", program, "test/bench/floor/floor.c"); err != nil {
		return nil, err
	}
	return []server{{name: "floor in C", transport: bench.WebSocket, start: floorAt(program)}}, nil
}

// floorInGo is this program.
func floorInGo(context.Context, string) ([]server, error) {
	self, err := os.Executable()
	return []server{
		{name: "floor in Go", transport: bench.WebSocket, start: floorAt(self, floorArgument, "1")},
		{name: "floor in Go, 2 goroutines", transport: bench.WebSocket, start: floorAt(self, floorArgument, "2")},
	}, err
}

// floorAt starts a floor, whose last argument is its port.
func floorAt(program string, arguments ...string) func(context.Context) (*bench.Target, func() error, error) {
	return func(ctx context.Context) (*bench.Target, func() error, error) {
		address, err := freeAddress()
		if err != nil {
			return nil, nil, err
		}
		_, port, _ := strings.Cut(address, ":")
		s := plainServer{dialect: plain{subscribe: "/", publish: "/"}, address: address}
		return s.start(ctx, program, append(arguments[:len(arguments):len(arguments)], port)...)
	}
}

// halley is the product, over both transports.
func halley(ctx context.Context, folder string) ([]server, error) {
	program := filepath.Join(folder, "halley")
	if err := build(ctx, "go", "build", "-trimpath", "-o", program, "./cmd/halley"); err != nil {
		return nil, err
	}
	start := func(ctx context.Context) (*bench.Target, func() error, error) {
		node, err := bench.StartNode(ctx, program)
		if err != nil {
			return nil, nil, err
		}
		return node.Target, node.Close, nil
	}
	return []server{{"Halley", bench.WebSocket, start}, {"Halley, SSE", bench.SSE, start}}, nil
}

// build runs a compiler at the top of the repository, where make runs this program.
func build(ctx context.Context, program string, arguments ...string) error {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, output)
	}
	return nil
}

// atoi reads a number of the command line, from 1 up to a bound.
func atoi(text string, most int) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > most {
		return 0, fmt.Errorf("%q: want a number from 1 to %d", text, most)
	}
	return number, nil
}
