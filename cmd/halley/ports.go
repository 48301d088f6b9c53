package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
)

// ports are the node's listeners. They are opened before anything else: that a port is taken is best known at once.
type ports struct {
	public *net.TCPListener
	admin  *net.TCPListener // nil: none
}

func (c listenConfig) openPorts(logger *slog.Logger) (*ports, error) {
	public, err := listen("--listen", c.Listen)
	if err != nil {
		return nil, err
	}
	if c.AdminListen == adminOff {
		return &ports{public: public}, nil
	}
	admin, err := listen("--admin-listen", c.AdminListen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w (or %q for none)", err, adminOff), public.Close())
	}
	if !admin.Addr().(*net.TCPAddr).IP.IsLoopback() {
		logger.Warn("the operator's port is open to other machines and asks nobody who they are", "address", admin.Addr().String())
	}
	return &ports{public: public, admin: admin}, nil
}

// close closes what nobody has taken over. To close a listener twice does no harm.
func (p *ports) close() {
	_ = p.public.Close()
	if p.admin != nil {
		_ = p.admin.Close()
	}
}

func listen(flag, address string) (*net.TCPListener, error) {
	// The kernel's own probes would take four system calls for each connection. Whether a client is there is asked by pings and time-outs.
	config := net.ListenConfig{KeepAlive: -1}
	listener, err := config.Listen(context.Background(), "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s: another program listens there; name another address", flag, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return listener.(*net.TCPListener), nil
}

// reservedFiles are left for the database, the log, other nodes and calls to others when connections take all other file descriptors;
// where that would be most of them, half are.
const reservedFiles = 256

// connectionCap is how many connections to allow: as asked, else as many as there are file descriptors.
func connectionCap(asked int) int {
	var limit syscall.Rlimit
	if asked > 0 || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<31 {
		return asked
	}
	return max(int(limit.Cur)-reservedFiles, int(limit.Cur)/2)
}
