package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"halley/cmd/halley/bench"
)

// Times that a server may take.
const (
	startPatience = 20 * time.Second
	endPatience   = 20 * time.Second
)

// process is a server that was started.
type process struct {
	command *exec.Cmd
	stderr  *strings.Builder // read it after the end
	exited  chan error       // holds how it ended
}

// plainServer is how to start a server that speaks the plain dialect.
type plainServer struct {
	dialect  plain
	address  string // where it will listen
	children int    // processes that it starts, which share its work
}

// start starts a program and waits until all of it serves.
func (s plainServer) start(ctx context.Context, program string, arguments ...string) (*bench.Target, func() error, error) {
	p := &process{command: exec.Command(program, arguments...), stderr: &strings.Builder{}, exited: make(chan error, 1)}
	p.command.Stderr = p.stderr
	// Ctrl-C is for the campaign, which ends its servers; the kernel ends them should it be killed.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, nil, err
	}
	go func() { p.exited <- p.command.Wait() }() // ends with the process, which end waits for
	target, err := bench.NewTarget("http://"+s.address, false, s.dialect)
	if err != nil {
		return nil, nil, errors.Join(err, p.end())
	}
	// A parent listens before its children are there: what they spend would be missed.
	err = p.await(ctx, func() bool {
		target.PIDs = family(p.command.Process.Pid)
		return len(target.PIDs) == 1+s.children && listening(s.address)
	})
	if err != nil {
		return nil, nil, errors.Join(err, p.end())
	}
	return target, p.end, nil
}

// await waits until the server is ready.
func (p *process) await(ctx context.Context, ready func() bool) error {
	for end := time.Now().Add(startPatience); time.Now().Before(end); {
		if ready() {
			return nil
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("%s ended: %w: %s", p.command.Path, err, p.stderr)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not serve after %v", p.command.Path, startPatience)
}

// listening reports whether somebody takes connections there.
func listening(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close() // it has served its purpose
	return true
}

// end has the server end, and its children by it.
func (p *process) end() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // one that has ended is waited for all the same
	select {
	case <-p.exited:
		return nil
	case <-time.After(endPatience):
		return errors.Join(fmt.Errorf("%s did not end within %v", p.command.Path, endPatience), p.command.Process.Kill())
	}
}

// family is a process and its children.
func family(pid int) []int {
	pids := []int{pid}
	name := strconv.Itoa(pid)
	text, err := os.ReadFile("/proc/" + name + "/task/" + name + "/children")
	if err != nil {
		return pids
	}
	for child := range strings.FieldsSeq(string(text)) {
		if number, err := strconv.Atoi(child); err == nil {
			pids = append(pids, number)
		}
	}
	return pids
}

// freeAddress is an address that nobody listens on now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
