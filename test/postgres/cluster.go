package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// settings make the server private, quick and careless: it listens on a socket in its folder alone and may lose data in a crash
// of the machine, which no test survives either.
const settings = `
listen_addresses = ''
unix_socket_directories = '%s'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 200
`

// watch ends the server and removes its folder once its standard input ends, which the kernel sees to when the test process is
// gone, be it killed. It knows nothing of process ids that could belong to others by then: pg_ctl finds the server by its folder.
const watch = `read -r _; "$0" stop --silent --wait --mode=immediate --pgdata="$1/data"; cd / && exec rm -rf "$1"`

// cluster is one private server and its folder, with data, socket and log inside.
type cluster struct {
	programs programs
	folder   string
	watchdog *exec.Cmd
	alive    *os.File // the watchdog's standard input; closing it ends the server
}

// newCluster makes an empty server and starts it.
func newCluster() (*cluster, error) {
	p, err := find()
	if err != nil {
		return nil, err
	}
	// Not a test's TempDir: another user could not cross its parent folder.
	folder, err := os.MkdirTemp("", "halley-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	c := &cluster{programs: p, folder: folder}
	if err := c.guard(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := c.init(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// guard starts the watchdog, in a session of its own so that an interrupt at the terminal does not end it before its work.
func (c *cluster) guard() error {
	if err := c.programs.own(c.folder); err != nil {
		return err
	}
	input, alive, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	defer input.Close()
	cmd := c.programs.command(c.folder, "/bin/sh", "-c", watch, c.programs.path("pg_ctl"), c.folder)
	cmd.SysProcAttr.Setsid = true
	cmd.Stdin = input
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start the watchdog: %w", err), alive.Close())
	}
	c.watchdog, c.alive = cmd, alive
	return nil
}

// init makes the data folder.
func (c *cluster) init() error {
	err := c.run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata="+c.data())
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the server's settings: %w", err)
	}
	_, err = fmt.Fprintf(file, settings, c.folder)
	return errors.Join(err, file.Close())
}

// start starts the server and waits until it takes connections.
func (c *cluster) start() error {
	log := filepath.Join(c.folder, "log")
	return c.run("pg_ctl", "start", "--silent", "--wait", "--timeout=60", "--pgdata="+c.data(), "--log="+log)
}

// stop ends the server and waits until it is gone.
func (c *cluster) stop() error {
	return c.run("pg_ctl", "stop", "--silent", "--wait", "--timeout=60", "--mode=fast", "--pgdata="+c.data())
}

// close ends the server, running or not, and waits until its folder is gone.
func (c *cluster) close() error {
	if err := errors.Join(c.alive.Close(), c.watchdog.Wait()); err != nil {
		return fmt.Errorf("end the server: %w", err)
	}
	return nil
}

// data returns the folder of the databases.
func (c *cluster) data() string { return filepath.Join(c.folder, "data") }

// url returns the URL of the server's own database.
func (c *cluster) url() string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {c.folder}}.Encode()}
	return u.String()
}

// run runs one of Postgres's programs. Its output goes to a file, since the server inherits it and a pipe would stay open; it
// comes back in the error.
func (c *cluster) run(name string, args ...string) error {
	output, err := os.CreateTemp("", "halley-postgres-output-")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer output.Close()
	defer os.Remove(output.Name())
	cmd := c.programs.command(c.folder, c.programs.path(name), args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		log, _ := os.ReadFile(filepath.Join(c.folder, "log"))
		return fmt.Errorf("%s: %w\n%s%s", name, err, said, log)
	}
	return nil
}
