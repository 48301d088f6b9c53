package http1_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"halley/pushnode/http1"
)

// accepted is what net/http gets of a connection on which data came that the loop does not understand. alike makes of the accepted one
// what the loop is given.
func accepted(t *testing.T, data string, alike func(*net.TCPConn) net.Conn) net.Conn {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := http1.Listen(alikeListener{inner, alike}, validConfig())
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, inner.Addr().String())
	write(t, client, data)
	conn, err := s.Accept()
	if err != nil {
		t.Fatal(err)
	}
	write(t, client, " and the rest")
	t.Cleanup(func() {
		client.Close()
		conn.Close()
		_ = s.Close()
		if err := s.Wait(patience); err != nil {
			t.Error(err)
		}
	})
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	return conn
}

type alikeListener struct {
	net.Listener
	alike func(*net.TCPConn) net.Conn
}

func (l alikeListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.alike(conn.(*net.TCPConn)), nil
}

// opaque is a connection of a kind that the loop does not know.
type opaque struct{ net.Conn }

func TestWhatWasReadIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, alike := range map[string]func(*net.TCPConn) net.Conn{
		"TCP":           func(c *net.TCPConn) net.Conn { return c },
		"TCP, prepared": func(c *net.TCPConn) net.Conn { return &http1.TCPConn{TCPConn: c} },
		"another":       func(c *net.TCPConn) net.Conn { return opaque{c} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := accepted(t, "GET / the first part", alike)
			few := make([]byte, 3)
			if size, err := conn.Read(few); size != 3 || err != nil {
				t.Fatalf("read %d bytes, %v", size, err)
			}
			rest := new(bytes.Buffer)
			if _, err := io.Copy(rest, conn); err != nil { // by WriteTo, where there is one
				t.Fatal(err)
			}
			if got := string(few) + rest.String(); got != "GET / the first part and the rest" {
				t.Errorf("read %q", got)
			}
		})
	}
}

// Nobody gets at the descriptor while Read has something that came before what the descriptor has.
func TestDescriptorWaitsForWhatWasRead(t *testing.T) {
	t.Parallel()
	conn := accepted(t, "GET", func(c *net.TCPConn) net.Conn { return &http1.TCPConn{TCPConn: c} }).(*http1.TCPConn)
	if _, err := conn.SyscallConn(); err == nil {
		t.Error("the descriptor is there before everything was read")
	}
	if _, err := io.ReadFull(conn, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.SyscallConn(); err != nil {
		t.Error(err)
	}
}
