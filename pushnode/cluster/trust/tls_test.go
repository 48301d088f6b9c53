package trust_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"halley/pushnode/cluster/trust"
)

func TestHandshake(t *testing.T) {
	later := func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	stale := identity(t, first, 1)
	fixed := stale.Client()
	fixed.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return trust.Current(identity(t, first, 1))
	}
	fixed.Time = later
	future := identity(t, first, 2)
	future.At(later)

	tests := []struct {
		name           string
		client, server *tls.Config
		want           string // part of the error of the side that refuses; empty: none
	}{
		{"one secret", identity(t, first, 1).Client(), identity(t, first, 2).Server(), ""},
		{"rotation, new to old", identity(t, second+"\n"+first, 1).Client(), identity(t, first+"\n"+second, 2).Server(), ""},
		{"rotation, old to new", identity(t, first+"\n"+second, 1).Client(), identity(t, second+"\n"+first, 2).Server(), ""},
		{"wrong secret", identity(t, first, 1).Client(), identity(t, second, 2).Server(), "not of this cluster"},
		{"no certificate", &tls.Config{InsecureSkipVerify: true}, identity(t, first, 2).Server(), "client didn't provide a certificate"},
		{"expired", fixed, future.Server(), "expired"},
		{"TLS 1.2", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}, identity(t, first, 2).Server(), "version"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, server := shake(t, test.client, test.server)
			said := strings.Join([]string{text(client), text(server)}, "; ")
			if (said == "; ") != (test.want == "") || !strings.Contains(said, test.want) {
				t.Errorf("got %q, want %q", said, test.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPeerIsTheInstance(t *testing.T) {
	client, server := identity(t, first, 0xab), identity(t, first, 1<<63+5)
	for name, side := range map[string]struct {
		own, other *trust.Identity
		config     func(*trust.Identity) *tls.Config
	}{
		"client": {client, server, (*trust.Identity).Client},
		"server": {server, client, (*trust.Identity).Server},
	} {
		t.Run(name, func(t *testing.T) {
			var got uint64
			config := side.config(side.own)
			config.VerifyConnection = func(state tls.ConnectionState) (err error) {
				got, err = side.own.Peer(state)
				return err
			}
			other := side.other.Server()
			if name == "server" {
				other, config = config, side.other.Client()
			}
			if errClient, errServer := shake(t, config, other); errClient != nil || errServer != nil {
				t.Fatal(errClient, errServer)
			}
			if got != side.other.Instance() {
				t.Errorf("the peer is %x, want %x", got, side.other.Instance())
			}
		})
	}
}

// A process that lives on makes itself new certificates, for its peers judge them at each handshake.
func TestCertificatesAreRenewed(t *testing.T) {
	now := time.Now()
	own := identity(t, first, 1)
	own.At(func() time.Time { return now })
	before, err := trust.Current(own)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(23 * time.Hour)
	if same, _ := trust.Current(own); same != before {
		t.Error("renewed within a day")
	}
	for _, jump := range []time.Duration{30 * 24 * time.Hour, -60 * 24 * time.Hour} {
		now = now.Add(jump)
		peer := identity(t, first, 2)
		peer.At(func() time.Time { return now })
		if client, server := shake(t, own.Client(), peer.Server()); client != nil || server != nil {
			t.Errorf("after %v: %v, %v", jump, client, server)
		}
	}
}

func TestIdentityNeedsAnInstanceAndASecret(t *testing.T) {
	if _, err := parse(t, first).Identity(0); err == nil {
		t.Error("instance 0 has an identity")
	}
	if _, err := (trust.Secrets{}).Identity(1); err == nil {
		t.Error("an identity without a secret")
	}
}

func identity(tb testing.TB, secrets string, instance uint64) *trust.Identity {
	tb.Helper()
	identity, err := parse(tb, secrets).Identity(instance)
	if err != nil {
		tb.Fatal(err)
	}
	return identity
}

// shake lets both sides shake hands and say a byte each, and returns why they did not.
func shake(tb testing.TB, client, server *tls.Config) (errClient, errServer error) {
	tb.Helper()
	a, b := connection(tb)
	deadline := time.Now().Add(10 * time.Second)
	for _, conn := range []net.Conn{a, b} {
		if err := conn.SetDeadline(deadline); err != nil {
			tb.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		done <- exchange(tls.Server(b, server))
		b.Close()
	}()
	errClient = exchange(tls.Client(a, client))
	a.Close()
	return errClient, <-done
}

// connection returns both ends of a connection with the buffers of a real one: an alert must not wait for its reader.
func connection(tb testing.TB) (dialled, accepted net.Conn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	dialled, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	accepted, err = listener.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	return dialled, accepted
}

// exchange shakes hands, for in TLS 1.3 the client's part is over before the server has judged its certificate, then writes and
// reads a byte.
func exchange(conn *tls.Conn) error {
	if err := conn.Handshake(); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write([]byte{1})
		written <- err
	}()
	_, err := conn.Read(make([]byte, 1))
	if err != nil {
		conn.NetConn().Close()
		<-written
		return err
	}
	return <-written
}

func TestIdentityShowsItsInstanceAlone(t *testing.T) {
	if got := identity(t, first, 0xab).LogValue().String(); got != "00000000000000ab" {
		t.Errorf("logged as %s", got)
	}
}
